package crash

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gameday-toolkit/gameday/internal/cli"
)

// This binary is three programs: the tests; gameday itself, by the same call as in cmd/gameday, with a hook that makes it
// die at a chosen moment; and the plugin whose world is files, when it is called by a plugin's name.
const (
	crashVar  = "CRASH_TEST_GAMEDAY" // the JSON of a crash: be gameday, and die so
	pluginVar = "CRASH_TEST_PLUGIN"  // how the plugin misbehaves
	cellVar   = "CRASH_TEST_CELL"    // marks every process of a cell, for the kernel to find
)

var (
	full   = flag.Bool("full", false, "the whole matrix, and not a slice of it")
	update = flag.Bool("update", false, "write the matrix to docs/crash-safety.md")
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "gameday-plugin-file" {
		servePlugin(os.Getenv(pluginVar))
	}
	if raw, ok := os.LookupEnv(crashVar); ok {
		os.Exit(gameday(raw))
	}
	flag.Parse()
	if testing.Short() {
		fmt.Println("-short: the matrix is left out")
		return
	}
	must(flag.Set("test.parallel", "8")) // the gates of the tests say how many there are at a time
	code := m.Run()
	if err := results.publish(code == 0 && *update); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func gameday(raw string) int {
	var c crash
	if err := json.Unmarshal([]byte(raw), &c); err != nil {
		panic(err)
	}
	return cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, cli.WithEngine(c.arrange), cli.WithRecovery(c.arrangeRecovery))
}
