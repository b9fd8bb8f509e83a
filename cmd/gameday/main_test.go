package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts drive the real binary, built once, with a plugin whose world is files: what is left behind is seen by
// looking at them, and not at gameday's books.
//
//	gd CODE ARGS...        run gameday; it must exit with CODE, or one of 0,1,2. What it printed is in the files out and err
//	start NAME ARGS...     start gameday; what it prints is in NAME.out and NAME.err
//	answer, startanswer    the same with a file as standard input, behind CODE or NAME
//	sig NAME SIGNAL        send it a signal
//	sigpid FILE SIGNAL     send a signal to the process whose number is in a file
//	end NAME CODE          wait for its end, by an exit code or "killed"
//	[!] until FILE [REGEX] wait until the file is there (or gone), or has a line that matches
//	scenario DIR           make the scenario of testdata/scenario in DIR, and its file in svc/
//	serve VAR FILE [HEAL]  start a service that works while FILE is there; VAR is its URL. HEAL is how long after FILE went it
//	                       works again, or FILE=TEXT: as soon as that is what a file says
//	greet, checkup, names VAR FILE [HEAL]   the same over TCP, as gRPC's health service and as DNS server; VAR is its address
//	prometheus VAR DEAD FILE [HEAL]  one that counts the requests of such a service; it breaks while the file DEAD is there
//	orders VAR DIR FILE [HEAL]       one that keeps records by the ledger protocol, as badly as files in DIR say
//	address VAR            set VAR to an address on which nobody listens
//	pester ADDRESS FILE    post FILE there, again and again
//	[!] figure PATH REGEX  the newest report.json has a value there that matches
//	counted PATH FILE      that value is exactly what the file says
//	person CODE TEXT ...   gd with somebody at its standard input who takes a second over a manual step and types TEXT
//	lastrun VAR            set VAR to the newest run
//	lab                    take the lab down when the script ends, however it ends
//	terminal CODE TEXT ... gd on a terminal, on which TEXT is typed at once
//	seated CODE TEXT ...   person at a terminal, who says yes to the plan first
//	nowhere TEXT DIR       no file below DIR holds the text
//	inbox VAR FILE         a server that writes what it is sent into the file, a line each
//	clean                  svc/ holds the file "up" and nothing of ours
//	flip FILE OFFSET       change one byte of a file, counted from its end where OFFSET is negative
//	cut FILE SIZE          cut a file
//	smalldisk SIZE DIR ... run gameday with a disk of SIZE bytes mounted at DIR, as gd does
//	room, visit, strangers the live page: see live_test.go
//	toxiproxy URL          start a Toxiproxy in front of a service; PROXIED is the service through it, TOXIPROXY its interface
//	cloud                  use the plugins aws and kubernetes, which are built when the first script asks for them; IMPORTS is where the
//	                       experiments are that the tests of the imports read
//	aws URL                an account of AWS of our own with a shop in it, of which URL is what users ask; use the plugins as cloud does.
//	                       there.vars.hcl has values for the scenarios
//	aws-is FILE            write down all that is in the account
//	credentials expire|renew         those of everybody
//	left DIR               take the todo blocks out of a scenario, of which there is at least one
//	unprivileged ...       run gameday without the right to write everywhere, as gd does
var binaries string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == helperArg {
		helper(os.Args[2:])
		return
	}
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gd")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binaries = dir
	for out, pkg := range map[string]string{"gameday": ".", "plugins/gameday-plugin-file": "./testdata/fileplugin", "lab/gameday-plugin-lab": "../gameday-plugin-lab", "proxy/gameday-plugin-proxy": "../gameday-plugin-proxy"} {
		if err := buildBinary(out, pkg); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

func buildBinary(out, pkg string) error {
	if b, err := exec.Command("go", "build", "-o", filepath.Join(binaries, out), pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", out, err, b)
	}
	return nil
}

// buildCloud is apart from the others because it takes long.
var buildCloud = sync.OnceValue(func() error {
	return errors.Join(buildBinary("cloud/gameday-plugin-aws", "../gameday-plugin-aws"), buildBinary("cloud/gameday-plugin-kubernetes", "../gameday-plugin-kubernetes"))
})

func cloud(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(buildCloud())
	ts.Setenv("GAMEDAY_PLUGIN_DIR", filepath.Join(binaries, "cloud"))
}

var todoBlock = regexp.MustCompile(`(?ms)^todo "[^"]*" \{.*?^\}$`)

func left(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.gameday.hcl"))
	ts.Check(err)
	found := 0
	for _, f := range files {
		b := []byte(ts.ReadFile(f))
		found += len(todoBlock.FindAll(b, -1))
		ts.Check(os.WriteFile(f, todoBlock.ReplaceAll(b, nil), 0o600))
	}
	if found == 0 {
		ts.Fatalf("nothing is left to do in %s", args[0])
	}
}

func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the scripts run binaries that no race detector watches, for minutes")
	}
	if flag.Lookup("test.run").Value.String() == "" { // a compiler that works beside a run takes the time of its probes
		if err := errors.Join(buildCloud(), buildAWS()); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("BIN", binaries)
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("GAMEDAY_PLUGIN_DIR", filepath.Join(binaries, "plugins"))
			e.Setenv("USER", "tester")
			internal, err := filepath.Abs("../../internal")
			e.Setenv("IMPORTS", internal)
			e.Setenv("SCENARIOS", filepath.Join(internal, "..", "scenarios"))
			return err
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gd": gd, "start": start, "answer": answer, "startanswer": startanswer, "sig": sig, "sigpid": sigpid, "end": end, "until": until, "scenario": scenario, "serve": serve,
			"lab": lab, "lastrun": lastrun, "nowhere": nowhere, "terminal": terminal, "clean": clean, "flip": flip, "inbox": inbox,
			"greet": greet, "checkup": checkup, "names": names, "prometheus": prometheus, "orders": orders, "address": address, "figure": figure, "counted": counted, "person": person, "seated": seated, "pester": pester,
			"cut": cut, "smalldisk": smalldisk, "unprivileged": unprivileged, "toxiproxy": toxiproxy,
			"aws": aws, "aws-is": awsIs, "credentials": credentials,
			"cloud": cloud, "left": left, "room": room, "visit": visit, "strangers": strangers,
		},
	})
}
