package conformance

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Subject is the plugin under test.
type Subject struct {
	// New returns the plugin as a new process would have it: nothing remembered.
	New func() *sdk.Plugin
	// Binary is the path of the real plugin. With it, every check is made a second time, in real processes.
	Binary string
	// Config is the plugin's own configuration.
	Config json.RawMessage
	// Faults and Targets are what to check. Every fault of a plugin should be in a Case.
	Faults  []Case
	Targets []TargetCase
	// Ledgers and Alerts are what else to check; every one of a plugin should be in a case.
	Ledgers []LedgerCase
	Alerts  []AlertCase
	// Settle is how long an effect may take to show after Inject or Revert has returned; zero means 10 seconds.
	Settle time.Duration
	// Timeout bounds one check; zero means one minute.
	Timeout time.Duration
	// Lease is the lease of the check that lets it expire; zero means half a second. A plugin whose Inject is a lot of work needs more,
	// since it is renewed beside that on whatever machine this is.
	Lease time.Duration
}

// Case is one fault, in a world of the author's making.
type Case struct {
	// Fault is the block's type, such as lab_zone_outage. Name tells several cases of one fault apart.
	Fault, Name string
	// Setup makes a fresh target for one check and returns what a scenario would ask. The suite fills in Run and ID.
	Setup func(context.Context) (sdk.Request, error)
	// Look says whether the fault is there, without the plugin's help: it is what Inspect is measured by.
	Look func(context.Context, sdk.Handle) (bool, error)
	// Snapshot describes the target, so that it can be compared with what it was before. It should leave out what
	// changes by itself. Optional, and the only way to notice a change beside the fault.
	Snapshot func(context.Context, sdk.Request) (string, error)
	// Teardown removes what Setup made. Optional.
	Teardown func(context.Context, sdk.Request) error
	// Exclusive says that the world has room for only one such fault at a time.
	Exclusive bool
	// EndsWithPlugin says that the fault ends with the process that made it, by the kernel's doing. The suite then
	// checks that a kill -9 of the binary ends it.
	EndsWithPlugin bool
	// UsesUp says that an Inject uses its target up, as a kill does, so that each one needs a fresh target.
	UsesUp bool
}

func (c Case) name() string {
	if c.Name == "" {
		return c.Fault
	}
	return c.Fault + " (" + c.Name + ")"
}

// TargetCase is one target block.
type TargetCase struct {
	// Type is the block's type, such as lab_zone, and Config its attributes.
	Type   string
	Config json.RawMessage
	// Names are the targets that it must find, in this order. Optional.
	Names []string
}

// LedgerCase is one ledger block, with a healthy store.
type LedgerCase struct {
	// Ledger is the block's type, such as aws_s3.
	Ledger string
	// Setup makes a store for one check, or takes one that is there, and returns what a scenario would ask. The suite fills
	// in Run and ID.
	Setup func(context.Context) (sdk.Request, error)
	// Teardown removes what Setup made. Optional.
	Teardown func(context.Context, sdk.Request) error
}

// AlertCase is one alert block, in a world in which the author can make it fire.
type AlertCase struct {
	// Alert is the block's type, such as aws_cloudwatch.
	Alert string
	// Setup makes an alert that does not fire, and returns what a scenario would ask. The suite fills in ID.
	Setup func(context.Context) (sdk.Request, error)
	// Fire makes it fire, and Resolve ends that.
	Fire, Resolve func(context.Context, sdk.Request) error
	// Teardown removes what Setup made. Optional.
	Teardown func(context.Context, sdk.Request) error
}
