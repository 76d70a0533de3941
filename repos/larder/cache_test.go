package larder_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"example.org/larder"
)

func expectKeys(t *testing.T, c *larder.Cache[string, int], keys ...string) {
	t.Helper()
	if got := c.Keys(); !(len(got) == 0 && len(keys) == 0) && !reflect.DeepEqual(got, keys) {
		t.Errorf("keys are %v, not %v", got, keys)
	}
}

func expectValue(t *testing.T, c *larder.Cache[string, int], key string, value int) {
	t.Helper()
	if got, ok := c.Get(key); !ok || got != value {
		t.Errorf("%s is %v, %v, not %v", key, got, ok, value)
	}
}

func expectNothing(t *testing.T, c *larder.Cache[string, int], key string) {
	t.Helper()
	if got, ok := c.Get(key); ok {
		t.Errorf("%s is %v", key, got)
	}
}

func expectPanic(t *testing.T, what string, call func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	call()
}

func TestWhatIsSetIsFound(t *testing.T) {
	c := larder.New[string, int](2)
	c.Set("a", 1)
	c.Set("b", 2)
	c.Set("a", 3)
	expectValue(t, c, "a", 3)
	expectValue(t, c, "b", 2)
	expectNothing(t, c, "c")
	if c.Len() != 2 {
		t.Errorf("length is %d", c.Len())
	}
}

func TestTheOneLeftAloneLongestGoes(t *testing.T) {
	c := larder.New[string, int](2)
	c.Set("a", 1)
	c.Set("b", 2)
	expectValue(t, c, "a", 1)
	c.Set("c", 3)
	expectKeys(t, c, "c", "a")
	c.Set("a", 4)
	c.Set("d", 5)
	expectKeys(t, c, "d", "a")
}

func TestPeekingIsNoUse(t *testing.T) {
	c := larder.New[string, int](2)
	c.Set("a", 1)
	c.Set("b", 2)
	if value, ok := c.Peek("a"); !ok || value != 1 {
		t.Errorf("peeked %v, %v", value, ok)
	}
	c.Set("c", 3)
	if _, ok := c.Peek("a"); ok {
		t.Error("a should have gone")
	}
	if stats := c.Stats(); stats.Hits != 0 || stats.Misses != 0 {
		t.Errorf("peeking is counted: %v", stats)
	}
}

func TestDelete(t *testing.T) {
	c := larder.New[string, int](2)
	c.Set("a", 1)
	if !c.Delete("a") || c.Delete("a") {
		t.Error("a should go once")
	}
	expectNothing(t, c, "a")
}

func TestPurge(t *testing.T) {
	c := larder.New[string, int](2)
	c.Set("a", 1)
	c.Set("b", 2)
	c.Purge()
	expectKeys(t, c)
	c.Set("c", 3)
	expectKeys(t, c, "c")
}

func TestEntriesExpire(t *testing.T) {
	clock := &larder.ManualClock{}
	c := larder.New[string, int](3, larder.WithTTL(time.Minute), larder.WithClock(clock))
	c.Set("a", 1)
	clock.Advance(30 * time.Second)
	c.Set("b", 2)
	clock.Advance(30 * time.Second)
	expectNothing(t, c, "a")
	expectValue(t, c, "b", 2)
	if c.Len() != 1 || c.Delete("a") {
		t.Error("a should be as good as gone")
	}
	clock.Advance(30 * time.Second)
	expectKeys(t, c)
}

func TestSettingAgainStartsOver(t *testing.T) {
	clock := &larder.ManualClock{}
	c := larder.New[string, int](3, larder.WithTTL(time.Minute), larder.WithClock(clock))
	c.Set("a", 1)
	clock.Advance(59 * time.Second)
	expectValue(t, c, "a", 1)
	c.Set("a", 2)
	clock.Advance(59 * time.Second)
	expectValue(t, c, "a", 2)
	clock.Advance(time.Second)
	expectNothing(t, c, "a")
}

func TestWhatHasExpiredMakesRoomFirst(t *testing.T) {
	clock := &larder.ManualClock{}
	c := larder.New[string, int](2, larder.WithTTL(time.Minute), larder.WithClock(clock))
	c.Set("old", 1)
	clock.Advance(30 * time.Second)
	c.Set("young", 2)
	expectValue(t, c, "old", 1)
	clock.Advance(30 * time.Second)
	c.Set("new", 3)
	expectKeys(t, c, "new", "young")
	if stats := c.Stats(); stats.Evicted != 0 || stats.Expired != 1 {
		t.Errorf("stats are %v", stats)
	}
}

func TestStats(t *testing.T) {
	c := larder.New[string, int](1)
	if c.Stats().HitRate() != 0 {
		t.Error("nothing was hit yet")
	}
	c.Set("a", 1)
	c.Set("b", 2)
	expectNothing(t, c, "a")
	expectValue(t, c, "b", 2)
	if got := c.Stats().String(); got != "1 hits, 1 misses (50 %), 1 evicted, 0 expired" {
		t.Error(got)
	}
}

func TestWhatIsNotPositiveIsRefused(t *testing.T) {
	expectPanic(t, "capacity 0", func() { larder.New[string, int](0) })
	expectPanic(t, "TTL 0", func() { larder.WithTTL(0) })
}

func TestManyGoroutines(t *testing.T) {
	c := larder.New[string, int](50, larder.WithTTL(time.Hour))
	var group sync.WaitGroup
	for worker := 0; worker < 8; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 200; i++ {
				key := fmt.Sprint(i % 70)
				c.Set(key, i)
				c.Get(key)
				c.Delete(fmt.Sprint(i % 7))
			}
		}()
	}
	group.Wait()
	if c.Len() > 50 {
		t.Errorf("%d entries", c.Len())
	}
}
