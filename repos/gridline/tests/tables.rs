use gridline::{csv, render, Align, Column, Error, Options, Table};

fn cities() -> Table {
    let mut table = Table::new(vec![
        Column::new("city"),
        Column::new("people").align(Align::Right),
    ]);
    table.push(["Oslo", "717710"]).unwrap();
    table.push(["Å", "9"]).unwrap();
    table
}

fn plain(table: &Table) -> String {
    render(table, &Options::default())
}

#[test]
fn columns_are_as_wide_as_what_is_in_them() {
    assert_eq!(
        plain(&cities()),
        "city  people\n----  ------\nOslo  717710\nÅ          9"
    );
}

#[test]
fn there_may_be_no_heading() {
    let options = Options {
        heading: false,
        ..Options::default()
    };
    let mut table = Table::new(vec![Column::new("a long title"), Column::new("b")]);
    table.push(["x", "y"]).unwrap();
    assert_eq!(render(&table, &options), "x  y");
}

#[test]
fn the_gap_can_be_chosen() {
    let options = Options {
        gap: " | ".to_string(),
        ..Options::default()
    };
    assert_eq!(
        render(&cities(), &options).lines().next(),
        Some("city | people")
    );
}

#[test]
fn text_can_be_centered() {
    let mut table = Table::new(vec![
        Column::new("title").align(Align::Center),
        Column::new("x"),
    ]);
    table.push(["ab", "y"]).unwrap();
    assert_eq!(plain(&table), "title  x\n-----  -\n ab    y");
}

#[test]
fn columns_have_a_least_width() {
    let mut table = Table::new(vec![Column::new("a").min_width(4), Column::new("b")]);
    table.push(["x", "y"]).unwrap();
    assert_eq!(plain(&table), "a     b\n----  -\nx     y");
}

#[test]
fn empty_tables_have_a_heading_only() {
    let table = Table::new(vec![Column::new("a"), Column::new("bc")]);
    assert_eq!(plain(&table), "a  bc\n-  --");
    assert_eq!(plain(&Table::new(vec![])), "\n");
}

#[test]
fn lines_have_no_spaces_at_the_end() {
    let mut table = Table::new(vec![Column::new("a"), Column::new("b")]);
    table.push(["x", ""]).unwrap();
    assert!(plain(&table).lines().all(|line| line == line.trim_end()));
}

#[test]
fn rows_need_a_cell_for_each_column() {
    let mut table = cities();
    assert_eq!(
        table.push(["alone"]),
        Err(Error::Cells {
            expected: 2,
            found: 1
        })
    );
    assert_eq!(table.rows().len(), 2);
    assert_eq!(
        Error::Cells {
            expected: 2,
            found: 1
        }
        .to_string(),
        "a row needs 2 cells, not 1"
    );
}

#[test]
fn columns_are_found_and_changed_by_title() {
    let mut table = cities();
    assert_eq!(table.position("people"), Ok(1));
    assert_eq!(
        table.position("area"),
        Err(Error::NoColumn("area".to_string()))
    );
    table
        .set_column("people", |column| column.align(Align::Left))
        .unwrap();
    assert_eq!(plain(&table).lines().last(), Some("Å     9"));
    assert!(table.set_column("area", |column| column).is_err());
}

#[test]
fn csv_is_read() {
    let table =
        csv::read("city,people\r\nOslo,717710\n\"Bergen, \"\"by\"\"\nthe sea\",\n").unwrap();
    assert_eq!(table.columns()[1].title(), "people");
    assert_eq!(table.rows()[0], ["Oslo", "717710"]);
    assert_eq!(table.rows()[1], ["Bergen, \"by\"\nthe sea", ""]);
    assert_eq!(csv::read("a").unwrap().rows().len(), 0);
}

#[test]
fn mistakes_in_csv_say_where() {
    for (text, line) in [
        ("", 1),
        ("a,b\n1\n", 2),
        ("a,b\n\"1\n1\",2\n1,2,3", 4),
        ("a\n\"open\n", 2),
        ("a\n\"b\"c\n", 2),
    ] {
        match csv::read(text) {
            Err(Error::Csv { line: found, .. }) => assert_eq!(found, line, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
}
