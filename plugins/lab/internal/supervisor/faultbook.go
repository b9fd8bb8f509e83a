package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
)

// faultBook holds the fault records.
type faultBook struct {
	// acting is held while processes are killed, frozen, released or launched, so that a launch cannot slip in between a
	// record and its effect.
	acting sync.Mutex

	mu      sync.Mutex
	records []control.Record
	healed  map[string]time.Time
}

// healedFor is how long a heal is remembered: far longer than a request for the same fault can be under way.
const healedFor = time.Minute

// errHealed is the answer to an inject that was overtaken by its own revert.
var errHealed = errors.New("the fault was healed before it was made")

// markHealed remembers that everything asked for under the key up to now is to be gone.
func (b *faultBook) markHealed(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.healed == nil {
		b.healed = map[string]time.Time{}
	}
	for k, at := range b.healed {
		if time.Since(at) > healedFor {
			delete(b.healed, k)
		}
	}
	b.healed[key] = time.Now()
}

// conflict is a fault that would touch what another one holds.
type conflict struct {
	claim string
	by    control.Record
}

func (c *conflict) Error() string {
	return fmt.Sprintf("%s is held already by %s (%s of run %s); undo that first: gameday lab heal %s",
		c.claim, c.by.ID, c.by.Fault, c.by.Run, c.by.Key())
}

// add enters a record as being applied. A record that is there already is returned as it is.
func (b *faultBook) add(r control.Record) (control.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, ok := b.healed[r.Key()]; ok && !r.Asked.After(at) {
		return r, errHealed
	}
	mine := control.Claims(r)
	for _, o := range b.records {
		if o.Key() == r.Key() {
			return o, nil
		}
		for _, claim := range control.Claims(o) {
			if slices.Contains(mine, claim) {
				return r, &conflict{claim: claim, by: o}
			}
		}
	}
	r.State = control.Applying
	b.records = append(b.records, r)
	return r, nil
}

func (b *faultBook) find(key string) (control.Record, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.records {
		if r.Key() == key {
			return r, true
		}
	}
	return control.Record{}, false
}

// setState changes a record's state; false if the record is gone.
func (b *faultBook) setState(key, state string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.records {
		if b.records[i].Key() == key {
			b.records[i].State = state
			return true
		}
	}
	return false
}

func (b *faultBook) remove(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = slices.DeleteFunc(b.records, func(r control.Record) bool { return r.Key() == key })
}

// all returns a copy of the records, oldest first.
func (b *faultBook) all() []control.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]control.Record{}, b.records...)
}

// inForce are the records that should have an effect now.
func (b *faultBook) inForce() []control.Record {
	return slices.DeleteFunc(b.all(), func(r control.Record) bool { return r.State == control.Reverting })
}
