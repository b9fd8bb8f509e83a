package ledger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Env is what the ledgers of one run share.
type Env struct {
	Run      string // in every record: a store may hold those of earlier runs
	Base     time.Time
	Resolver string // DNS server, "ip:port", for blocks that set none. Empty: the system's
}

// Kind is one type of ledger.
type Kind struct {
	// Schema describes the block beyond what every ledger has (rate, timeout).
	Schema sdk.Schema
	// New makes the ledger from the block's values, by Schema. It opens no connection.
	New func(cfg json.RawMessage, env Env) (Store, error)
}

// Kinds are all types of ledger, by the label of their block.
func Kinds() map[string]Kind {
	return map[string]Kind{
		"http":     {Schema: httpSchema(), New: newHTTP},
		"nats":     {Schema: natsSchema(), New: newNATS},
		"postgres": {Schema: postgresSchema(), New: newPostgres},
		"redis":    {Schema: redisSchema(), New: newRedis},
	}
}

// Entry is one record as the store holds it.
type Entry struct {
	Run    string    `json:"run"`
	Seq    uint64    `json:"seq"`
	Worker uint16    `json:"worker"`
	Time   time.Time `json:"time"` // of the client, at the attempt
}

// Page is part of what is stored. The next page begins after Next; none follows where it is empty.
type Page struct {
	Entries []Entry
	Strange []string // what is stored under this run and is no record
	Next    string
}

// Store keeps the records: the system under test, as a client sees it. Its methods return when their context ends.
type Store interface {
	// Write attempts to store one record, once. Outcome Fail is a promise: the record was surely not applied. The detail is
	// one line for people about an outcome that is not OK.
	Write(context.Context, Entry) (o record.Outcome, detail string)
	// Read gives what is stored for the run, from after the cursor on; an empty cursor is the beginning. A record stored
	// twice is there twice.
	Read(ctx context.Context, run, cursor string) (Page, error)
	// Workers is how many attempts may be open at once; 0 for as many as the rate may need.
	Workers() int
	Close() error
}

// Promiser is a store that says what its acknowledgements mean: a sentence for people without a period, and empty as long as there
// was none.
type Promiser interface{ Promise() string }
