package larder

import "time"

// Option changes how a cache behaves.
type Option func(*settings)

type settings struct {
	ttl   time.Duration
	clock Clock
}

// WithTTL lets entries expire so long after they were set. It panics where ttl is not positive.
func WithTTL(ttl time.Duration) Option {
	if ttl <= 0 {
		panic("larder: a TTL has to be positive")
	}
	return func(s *settings) { s.ttl = ttl }
}

// WithClock takes the time from clock.
func WithClock(clock Clock) Option {
	return func(s *settings) { s.clock = clock }
}
