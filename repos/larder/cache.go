// Package larder is a cache that forgets what has not been used for long, and what has grown old.
package larder

import (
	"container/list"
	"sync"
	"time"
)

// Cache holds a limited number of entries. It may be used from many goroutines at once.
type Cache[K comparable, V any] struct {
	mu       sync.Mutex
	capacity int
	settings settings
	entries  map[K]*list.Element
	// recent holds *entry[K, V], the one used last in front.
	recent *list.List
	stats  Stats
}

type entry[K comparable, V any] struct {
	key   K
	value V
	// expires is the zero time where the entry never does.
	expires time.Time
}

func (e *entry[K, V]) expired(now time.Time) bool {
	return !e.expires.IsZero() && !now.Before(e.expires)
}

// New makes a cache of at most capacity entries. It panics where capacity is not positive.
func New[K comparable, V any](capacity int, options ...Option) *Cache[K, V] {
	if capacity <= 0 {
		panic("larder: a capacity has to be positive")
	}
	c := &Cache[K, V]{
		capacity: capacity,
		settings: settings{clock: systemClock{}},
		entries:  make(map[K]*list.Element),
		recent:   list.New(),
	}
	for _, option := range options {
		option(&c.settings)
	}
	return c
}

// Set puts value under key, in place of what was there.
func (c *Cache[K, V]) Set(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(key, value)
}

// Get returns what is under key, and whether there is anything.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.live(key)
	if !ok {
		c.stats.Misses++
		var zero V
		return zero, false
	}
	c.stats.Hits++
	c.recent.MoveToFront(c.entries[key])
	return e.value, true
}

// Peek is like Get, but counts neither as use nor in the statistics.
func (c *Cache[K, V]) Peek(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.live(key); ok {
		return e.value, true
	}
	var zero V
	return zero, false
}

// Delete takes away what is under key, and says whether there was anything.
func (c *Cache[K, V]) Delete(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.live(key); !ok {
		return false
	}
	c.remove(c.entries[key])
	return true
}

// Len is the number of entries that have not expired.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	return len(c.entries)
}

// Keys returns the keys of all entries that have not expired, the one used last in front.
func (c *Cache[K, V]) Keys() []K {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	keys := make([]K, 0, len(c.entries))
	for element := c.recent.Front(); element != nil; element = element.Next() {
		keys = append(keys, element.Value.(*entry[K, V]).key)
	}
	return keys
}

// Purge takes everything away. The statistics stay.
func (c *Cache[K, V]) Purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.recent.Len() > 0 {
		c.remove(c.recent.Back())
	}
}

// Stats returns what has happened so far.
func (c *Cache[K, V]) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// What follows is called with c.mu held.

func (c *Cache[K, V]) set(key K, value V) {
	if element, ok := c.entries[key]; ok {
		c.recent.Remove(element)
	}
	e := &entry[K, V]{key: key, value: value, expires: c.expiry()}
	c.entries[key] = c.recent.PushFront(e)
	if len(c.entries) > c.capacity {
		c.expire()
	}
	for len(c.entries) > c.capacity {
		c.stats.Evicted++
		c.remove(c.recent.Back())
	}
}

// live returns the entry under key, having taken it away where it has expired.
func (c *Cache[K, V]) live(key K) (*entry[K, V], bool) {
	element, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	e := element.Value.(*entry[K, V])
	if e.expired(c.settings.clock.Now()) {
		c.stats.Expired++
		c.remove(element)
		return nil, false
	}
	return e, true
}

// expire takes away everything that has expired.
func (c *Cache[K, V]) expire() {
	now := c.settings.clock.Now()
	for element := c.recent.Back(); element != nil; {
		previous := element.Prev()
		if element.Value.(*entry[K, V]).expired(now) {
			c.stats.Expired++
			c.remove(element)
		}
		element = previous
	}
}

// expiry is the time at which an entry set now expires.
func (c *Cache[K, V]) expiry() time.Time {
	if c.settings.ttl == 0 {
		return time.Time{}
	}
	return c.settings.clock.Now().Add(c.settings.ttl)
}

func (c *Cache[K, V]) remove(element *list.Element) {
	delete(c.entries, element.Value.(*entry[K, V]).key)
	c.recent.Remove(element)
}
