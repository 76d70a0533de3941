"""Ranking tasks with an expert's answer, written for this project; the classics of the genre are not used.

Items stand in the expert's order, most important first, each with the expert's reason. Seats see them shuffled and
without reasons, unless they are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `key` is the word by which it is ranked; `reason` is the expert's."""

    key: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A situation and its items, best first.

    Attributes:
        order: what "best" means, as seats are told it.
    """

    title: str
    story: str
    expert: str
    order: str
    items: tuple[Item, ...]


HUT: Final = Scenario(
    "The hut above the tree line",
    "Six walkers are in a stone hut at 2,700 metres when a storm closes the only path for about three days. The "
    "stove's chimney is blocked, it is minus twelve outside and plus two inside, and one of them has a broken "
    "ankle. Nobody expects them back before the fourth day. Rank what is in the hut by its importance for all six "
    "to be well on the fourth day.",
    "a mountain rescue doctor",
    "most important first",
    (
        Item(
            "sleeping-bags",
            "four winter sleeping bags",
            "Cold is what kills here; zipped in pairs they keep six warm.",
        ),
        Item("mats", "eight foam mats", "Below plus five the floor takes more heat than the air does."),
        Item(
            "gas-cooker",
            "a gas cooker with three cartridges",
            "Snow is no water until it is melted; warm drink, too.",
        ),
        Item("sugar", "two kilograms of sugar and tea", "Shivering burns sugar; it needs no cooking but hot water."),
        Item("splint", "a splint and bandages", "A fixed ankle is warm and painless; a loose one can lose the foot."),
        Item(
            "radio",
            "a radio that only the valley hears on clear nights",
            "Tells rescuers where and how many; not today.",
        ),
        Item("shovel", "a snow shovel", "The door and the air hole over the cooker must be kept free."),
        Item("bucket", "a bucket with a lid", "Nobody has to go out at night; trips outside cost the most heat."),
        Item("painkillers", "a box of painkillers", "They help the ankle; a splint has done most of it."),
        Item("candles", "thirty candles", "Light for the mind, and a little heat; they also use air."),
        Item("rope", "sixty metres of rope", "Good for the way to the woodshed; nobody should climb down."),
        Item("brandy", "two bottles of brandy", "Feels warm, and opens the vessels of the skin: it cools."),
    ),
)
DELTA: Final = Scenario(
    "The boat in the mangroves",
    "A boat with five people has lost its engine in a tidal mangrove delta in the tropics, four hours from the "
    "coast. The tide turns twice a day, the water is salt, the nights are full of mosquitoes, and the only people "
    "who pass are fishermen in the main channel, two kilometres away. Rank what is on board by its importance for "
    "reaching help in two days.",
    "a pilot of the delta",
    "most important first",
    (
        Item("water", "thirty litres of drinking water", "Two days in this heat cost five people just that."),
        Item(
            "tide-table", "a tide table", "The ebb carries a boat to the main channel for nothing, at the right hour."
        ),
        Item(
            "anchor", "an anchor with forty metres of line", "Holds what the ebb has won while the flood runs back."
        ),
        Item("nets", "three mosquito nets", "One night without them and nobody can think; later there is fever."),
        Item("poles", "two long poles", "In mangroves one pushes; there is no room for oars."),
        Item("tarpaulin", "a tarpaulin", "Shade halves the water that is needed, and rain runs off it into cans."),
        Item("mirror", "a shaving mirror", "Fishermen a kilometre off see it, in the hours when they are there."),
        Item("machete", "a machete", "Opens short cuts that the chart does not show; slow work."),
        Item("torch", "a torch", "For signals after dark, when hardly anybody passes."),
        Item("fishing-line", "a fishing line with hooks", "Hunger is no danger in two days."),
        Item("map", "a road map of the province", "Shows no channel, but the village at the mouth."),
        Item("petrol", "forty litres of petrol", "The engine is dead; it is a danger on board, and smoke at best."),
    ),
)
ARCHIVE: Final = Scenario(
    "The wet archive",
    "A pipe has burst above the archive of a small town during the night. Two staff and three volunteers arrive "
    "at seven. Water stands ankle-deep, still drips, and the rooms are warm. Rank the measures by how early they "
    "should begin, so that as much as possible of the collection survives.",
    "a paper conservator",
    "what should begin earliest first",
    (
        Item("power-off", "have the mains power of the flooded rooms cut", "Nobody enters water that may be live."),
        Item("stop-water", "shut the valve and empty the pipe", "Every minute of dripping wets another box."),
        Item("cover", "cover dry shelves with plastic sheets", "What is dry now can stay dry in ten minutes' work."),
        Item(
            "cool",
            "turn the heating off and open windows to the cold",
            "Mould needs two warm days; cold buys a week.",
        ),
        Item(
            "photos",
            "take out glass plates and photographs",
            "Wet emulsion sticks for ever once it dries in a stack.",
        ),
        Item("pump", "pump out the water", "Takes away the damp, and makes carrying safe."),
        Item(
            "freeze", "pack soaked files in crates for a freezer", "Frozen paper waits for years; it must go in wet."
        ),
        Item("list", "write down what goes where", "A thing without a place is lost, though not today."),
        Item("damp-files", "air-dry files that are only damp at the edge", "They are in no danger for a day."),
        Item("dryers", "rent dehumidifiers", "Useful from the second day on, when the water is out."),
        Item(
            "insurance",
            "photograph the damage and call the insurer",
            "Important, and patient: the afternoon will do.",
        ),
        Item("clean-shelves", "scrub and disinfect the shelves", "Pointless before everything is dry."),
    ),
)
SCENARIOS: Final = {"hut": HUT, "delta": DELTA, "archive": ARCHIVE}

OPTIONS: Final = ("Ashford", "Birchley", "Coldwell", "Dunmore")
"""Places for a field clinic: what hidden profiles are about."""

ADVANTAGES: Final = (
    "it has a well of its own",
    "a paved road leads to it",
    "the power line ends there",
    "two nurses live nearby",
    "the ground drains quickly",
    "an empty school could be used",
    "the bus stops there daily",
    "there is shade all day",
    "its mayor has offered workers",
    "the mast gives good reception",
    "a depot for medicine is close",
    "helicopters can land there",
    "it can be fenced in a day",
    "rents there are the lowest",
    "a bakery could supply it",
    "most patients live within an hour",
)
DRAWBACKS: Final = (
    "it floods in spring",
    "a quarry makes dust all day",
    "the bridge to it is closed to lorries",
    "the water tastes of iron",
    "the landlord wants two years paid ahead",
    "a wasp plague is reported there",
    "the slope is too steep for wheelchairs",
    "a factory next to it is noisy at night",
    "the lease ends in autumn",
    "its only phone is broken",
    "the soil is said to be polluted",
    "thieves have taken cables twice",
    "a permit from the province is missing",
    "the latrines would be too near the stream",
    "the wind brings smoke from a tip",
    "the nearest pharmacy has shut",
)
