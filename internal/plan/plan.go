package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// FormatVersion is the version of the plan's JSON.
const FormatVersion = 1

// Plan is a Draft against which the world has been checked. It never changes once built.
type Plan struct {
	Version int   `json:"version"`
	Seed    int64 `json:"seed"`
	Draft
	// Warnings did not stop the plan; a person should read them.
	Warnings []Notice `json:"warnings,omitempty"`
	// Permissions that are missing. Any of these stops a run.
	Permissions []Notice `json:"permissions,omitempty"`
}

// Notice is a problem bound to the block that has it.
type Notice struct {
	Addr    string      `json:"addr,omitempty"`
	Problem sdk.Problem `json:"problem"`
	Pos     Pos         `json:"pos"`
}

// Hash identifies what was planned: the same scenario against the same world has the same hash.
func (p *Plan) Hash() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("plan: a plan is plain data and always encodes: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
