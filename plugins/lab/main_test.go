package lab_test

import (
	"os"
	"testing"

	"github.com/gameday-toolkit/gameday/plugins/lab"
)

// The lab starts its own program again for each of its processes. In a test that program is the test.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "role" {
		os.Exit(lab.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
