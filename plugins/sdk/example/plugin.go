package example

import "github.com/gameday-toolkit/gameday/plugins/sdk"

// New returns the plugin. Each call is as fresh as a new process, which is what the conformance suite asks for.
func New() *sdk.Plugin {
	return &sdk.Plugin{
		Name:    "file",
		Version: "0.1.0",
		Doc:     "Faults of files on this machine.",
		Targets: map[string]sdk.TargetType{"file_path": paths{}},
		Faults:  map[string]sdk.Fault{"file_missing": missing{}},
	}
}
