/* The search of families/kitchen/optimum.py with its tables worked out beforehand: the same moments, the same moves, the
   same bound, in a few bytes each. kitchen_optimum.py fills the tables in, compiles and calls it. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { POSES = 12, CELLS = 16, COUNTERS = 6, UTENSILS = 4, LOADS = 24, ITEMS = 16, LONGEST = 8, MOST = 128 };
enum { COUNTER = 1, PANTRY, PILE, SERVING, UTENSIL };

typedef struct {
    int cells, counters, utensils, ingredients, dish, product; /* items are numbers from 1; ingredients come first */
    int kind[CELLS], which[CELLS];                             /* what a cell is, and which counter or utensil */
    int steps[2][POSES][CELLS], then[2][POSES][CELLS];         /* steps to face it, -1 if never, and the pose then */
    int in_hand[2][ITEMS][POSES];                              /* the least for an item in a hand */
    int put[UTENSILS][LOADS][ITEMS], start[UTENSILS][LOADS];   /* the load after it, or -1 */
    int taken[UTENSILS][LOADS], by[UTENSILS][LOADS];           /* what comes out, and what must be in the hand */
    int left[UTENSILS][LOADS], pass[UTENSILS][LOADS];          /* steps until it can; the load one step later */
    int item[UTENSILS][LOADS], ready[UTENSILS][LOADS];         /* what it becomes, and when, if all else were there */
    int at_counter[COUNTERS], at_utensil[UTENSILS], pantry, pile, first_pose[2];
} Tables;

typedef struct {
    uint8_t pose[2], idle[2], held[2], lying[COUNTERS], load[UTENSILS], turn; /* turn: 0 nobody, 1 and 2 the cooks */
    uint16_t fetched;
} Moment;

typedef struct { uint64_t low, high; } Key;

static Key packed(const Moment *m) {
    Key key = {0, 0};
    for (int s = 0; s < 2; s++) {
        key.low = key.low << 4 | m->pose[s];
        key.low = key.low << 4 | m->idle[s];
        key.low = key.low << 4 | m->held[s];
    }
    for (int c = 0; c < COUNTERS; c++) key.low = key.low << 4 | m->lying[c];
    key.low = key.low << 2 | m->turn;
    for (int u = 0; u < UTENSILS; u++) key.high = key.high << 5 | m->load[u];
    key.high = key.high << 16 | m->fetched;
    key.high |= 1ull << 63; /* no key is 0 */
    return key;
}

static void unpack(Key key, Moment *m) {
    m->fetched = key.high & 0xffff, key.high >>= 16;
    for (int u = UTENSILS - 1; u >= 0; u--) m->load[u] = key.high & 31, key.high >>= 5;
    m->turn = key.low & 3, key.low >>= 2;
    for (int c = COUNTERS - 1; c >= 0; c--) m->lying[c] = key.low & 15, key.low >>= 4;
    for (int s = 1; s >= 0; s--) {
        m->held[s] = key.low & 15, key.low >>= 4;
        m->idle[s] = key.low & 15, key.low >>= 4;
        m->pose[s] = key.low & 15, key.low >>= 4;
    }
}

typedef struct { uint32_t *of; size_t count, room; } Bucket;

static Key *keys;
static uint8_t *times, *closed;
static size_t room, count;
static Bucket buckets[MOST];

static int more(int a, int b) { return a > b ? a : b; }

static int at(const Tables *t, const Moment *m, int cell, int item, int ready) {
    int least = 1 << 20;
    for (int s = 0; s < 2; s++) {
        int steps = t->steps[s][m->pose[s]][cell];
        if (steps < 0) continue;
        int then = t->then[s][m->pose[s]][cell];
        int found = more(more(ready, steps + 1 - m->idle[s]), 0) + t->in_hand[s][item][then];
        if (found < least) least = found;
    }
    return least;
}

static int least(const Tables *t, const Moment *m) {
    int found = 0;
    if (m->fetched >> t->product & 1) return 0;
    for (int s = 0; s < 2; s++)
        if (m->held[s]) found = more(found, t->in_hand[s][m->held[s]][m->pose[s]] - m->idle[s]);
    for (int c = 0; c < t->counters; c++)
        if (m->lying[c]) found = more(found, at(t, m, t->at_counter[c], m->lying[c], 0));
    for (int u = 0; u < t->utensils; u++)
        if (m->load[u]) found = more(found, at(t, m, t->at_utensil[u], t->item[u][m->load[u]], t->ready[u][m->load[u]]));
    for (int i = 1; i <= t->ingredients; i++)
        if (!(m->fetched >> i & 1)) found = more(found, at(t, m, t->pantry, i, 0));
    if (t->dish && !(m->fetched >> t->dish & 1)) found = more(found, at(t, m, t->pile, t->dish, 0));
    return found;
}

/* `floor`: the bound of the moment before, below which this one's cannot be. */
static void push(const Tables *t, const Moment *m, int time, int floor, int limit) {
    Key key = packed(m);
    uint64_t hash = (key.low ^ key.high * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
    size_t place = (hash ^ hash >> 29) % room;
    while (keys[place].high && (keys[place].low != key.low || keys[place].high != key.high))
        place = place + 1 == room ? 0 : place + 1;
    if (keys[place].high && times[place] <= time) return;
    int bound = more(floor, time + least(t, m));
    if (bound > limit) return;
    if (!keys[place].high) keys[place] = key, count++;
    times[place] = (uint8_t)time, closed[place] = 0;
    Bucket *bucket = &buckets[bound];
    if (bucket->count == bucket->room) {
        bucket->room = bucket->room ? bucket->room + bucket->room / 2 : 1024;
        bucket->of = realloc(bucket->of, bucket->room * sizeof *bucket->of);
    }
    bucket->of[bucket->count++] = (uint32_t)place;
}

static void deed(const Tables *t, const Moment *m, int time, int s, int cell, int ready, Moment after, int changed,
                 int floor, int limit) {
    int earliest = more(t->steps[s][m->pose[s]][cell] + 1 - m->idle[s], s + 1 > m->turn ? 0 : 1);
    int wait = more(earliest, ready), other = 1 - s;
    for (int u = 0; u < t->utensils; u++)
        for (int step = 0; u != changed && step < wait && after.load[u] != t->pass[u][after.load[u]]; step++)
            after.load[u] = (uint8_t)t->pass[u][after.load[u]];
    after.pose[s] = (uint8_t)t->then[s][m->pose[s]][cell];
    after.idle[s] = 0;
    after.idle[other] = (uint8_t)(m->idle[other] + wait < LONGEST ? m->idle[other] + wait : LONGEST);
    after.turn = (uint8_t)(s + 1);
    push(t, &after, time + wait, floor, limit);
}

static void expand(const Tables *t, const Moment *m, int time, int floor, int limit) {
    for (int s = 0; s < 2; s++)
        for (int cell = 0; cell < t->cells; cell++) {
            if (t->steps[s][m->pose[s]][cell] < 0) continue;
            int hand = m->held[s], which = t->which[cell];
            Moment after = *m;
            switch (t->kind[cell]) {
            case COUNTER:
                if (!m->lying[which] == !hand) break;
                after.held[s] = m->lying[which], after.lying[which] = (uint8_t)hand;
                deed(t, m, time, s, cell, 0, after, -1, floor, limit);
                break;
            case PANTRY:
                for (int i = 1; !hand && i <= t->ingredients; i++)
                    if (!(m->fetched >> i & 1)) {
                        after = *m;
                        after.held[s] = (uint8_t)i, after.fetched |= (uint16_t)(1 << i);
                        deed(t, m, time, s, cell, 0, after, -1, floor, limit);
                    }
                break;
            case PILE:
                if (hand || !t->dish || m->fetched >> t->dish & 1) break;
                after.held[s] = (uint8_t)t->dish, after.fetched |= (uint16_t)(1 << t->dish);
                deed(t, m, time, s, cell, 0, after, -1, floor, limit);
                break;
            case SERVING:
                if (hand != t->product) break;
                after.held[s] = 0, after.fetched |= (uint16_t)(1 << t->product);
                deed(t, m, time, s, cell, 0, after, -1, floor, limit);
                break;
            case UTENSIL: {
                int load = m->load[which], into = t->put[which][load][hand], begun = t->start[which][load];
                if (hand && into >= 0) {
                    after.held[s] = 0, after.load[which] = (uint8_t)into;
                    deed(t, m, time, s, cell, 0, after, which, floor, limit);
                }
                if (begun >= 0) {
                    after = *m, after.load[which] = (uint8_t)begun;
                    deed(t, m, time, s, cell, 0, after, which, floor, limit);
                }
                if (t->taken[which][load] && hand == t->by[which][load]) {
                    after = *m, after.held[s] = (uint8_t)t->taken[which][load], after.load[which] = 0;
                    deed(t, m, time, s, cell, t->left[which][load], after, which, floor, limit);
                }
            }
            }
        }
}

/* The fewest steps, -1 if it takes more than `limit`, -2 if there is no room for so many moments. */
int fewest_steps(const Tables *t, int limit, size_t most, size_t *moments) {
    Moment m;
    int answer = -1;
    room = most, count = 0;
    keys = calloc(room, sizeof *keys), times = calloc(room, 1), closed = calloc(room, 1);
    if (!keys || !times || !closed) return -2;
    memset(buckets, 0, sizeof buckets);
    memset(&m, 0, sizeof m);
    m.pose[0] = (uint8_t)t->first_pose[0], m.pose[1] = (uint8_t)t->first_pose[1];
    push(t, &m, 0, 0, limit);
    for (int bound = 0; bound <= limit && answer == -1; bound++)
        while (buckets[bound].count && answer == -1) {
            uint32_t place = buckets[bound].of[--buckets[bound].count];
            if (closed[place]) continue;
            unpack(keys[place], &m);
            closed[place] = 1;
            if (m.fetched >> t->product & 1) answer = times[place];
            else expand(t, &m, times[place], bound, limit);
            if (count > room - room / 8) answer = -2;
        }
    *moments = count;
    for (int b = 0; b < MOST; b++) free(buckets[b].of);
    free(keys), free(times), free(closed);
    return answer;
}
