package lang

import (
	"sync"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Catalog says which kinds of blocks there are.
type Catalog struct {
	// Probes, Ledgers, Alerts, Actions and Notifies are the core's own kinds, by block type.
	Probes, Ledgers, Alerts, Actions, Notifies map[string]sdk.Schema
	// Plugin describes a plugin by the label of its block. An error becomes a diagnostic at the block.
	Plugin func(name string) (sdk.Info, error)
	// Names are the plugins that could be found, for suggestions.
	Names []string

	specs *specCache
}

// Cached makes a catalog that keeps the decoders it is asked for, for a program that loads many scenarios. What it holds
// must not change afterwards. It may be used by several goroutines.
func (c Catalog) Cached() Catalog {
	c.specs = &specCache{specs: map[string]*spec{}}
	return c
}

type specCache struct {
	mu    sync.Mutex
	specs map[string]*spec
}

// get makes a decoder, once for each key.
func (c *specCache) get(key string, make func() (*spec, error)) (*spec, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sp, ok := c.specs[key]; ok {
		return sp, nil
	}
	sp, err := make()
	if err == nil {
		c.specs[key] = sp
	}
	return sp, err
}

// Options says how to load.
type Options struct {
	Catalog Catalog
	// Vars are the -var flags in order; the last one wins.
	Vars []VarFlag
	// VarFiles are the -var-file flags in order; a -var wins over all of them.
	VarFiles []string
	// Environ is the process's environment (NAME=value): GAMEDAY_VAR_name sets a variable, and env() reads the rest.
	Environ []string
	// Project is the path of the project file. Where it is empty, gameday.hcl is looked for in the scenario's directory
	// and then in each one above it, up to the root of the file system.
	Project string
}

// VarFlag is one -var name=value.
type VarFlag struct{ Name, Value string }

// Bounds on what is read, so that an absurd input is an error and not a machine out of memory.
const (
	maxFileSize  = 1 << 20 // of one file
	maxFiles     = 200     // in one directory
	maxBlocks    = 10_000  // in one directory
	maxExpansion = 10_000  // instances that all for_each and experiments of a scenario make together
	maxDepth     = 8       // of experiments within experiments
	maxNesting   = 100     // of brackets and operators in an expression
	maxTokens    = 200_000 // in one file
)
