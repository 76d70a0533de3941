package larder

import "fmt"

// Stats counts what has happened to a cache since it was made.
type Stats struct {
	// Hits and Misses count the calls of Get that found something, and those that did not.
	Hits, Misses uint64
	// Evicted counts the entries that had to make room for others, Expired those that had grown old.
	Evicted, Expired uint64
}

// HitRate is the share of hits among all calls of Get, from 0 to 1; 0 where there were none.
func (s Stats) HitRate() float64 {
	if s.Hits+s.Misses == 0 {
		return 0
	}
	return float64(s.Hits) / float64(s.Hits+s.Misses)
}

func (s Stats) String() string {
	return fmt.Sprintf("%d hits, %d misses (%.0f %%), %d evicted, %d expired",
		s.Hits, s.Misses, 100*s.HitRate(), s.Evicted, s.Expired)
}
