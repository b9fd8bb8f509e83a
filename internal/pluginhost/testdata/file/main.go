// gameday-plugin-file is the example of docs/plugin-author.md, and the plugin with which pluginhost tests itself.
package main

import "github.com/gameday-toolkit/gameday/plugins/sdk"

func main() {
	sdk.Serve(misbehave(newPlugin()))
}

func newPlugin() *sdk.Plugin {
	return &sdk.Plugin{
		Name:    "file",
		Version: "0.1.0",
		Doc:     "Faults of files on this machine.",
		Targets: map[string]sdk.TargetType{"file_path": paths{}},
		Faults:  map[string]sdk.Fault{"file_missing": missing{}},
	}
}
