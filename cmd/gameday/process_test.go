package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long anything may take before a script gives up.
const patience = 90 * time.Second

// passed on are the variables that a gameday in a script sees.
var passedOn = []string{
	"HOME", "PATH", "TERM", "TMPDIR", "USER", "GAMEDAY_PLUGIN_DIR", "XDG_STATE_HOME", "NO_COLOR", "CI", "GAMEDAY_VAR_token",
	"GAMEDAY_TEST_MISBEHAVE", "GAMEDAY_TEST_ONCE", "GAMEDAY_TEST_VERSION", "GAMEDAY_TEST_FORBIDDEN", "SLACK_URL",
	"GAMEDAY_ARCHIVE", "GITHUB_STEP_SUMMARY", "GITHUB_TOKEN", "GAMEDAY_VAR_dir", "GAMEDAY_VAR_one", "GAMEDAY_VAR_two", "GAMEDAY_VAR_west", "GAMEDAY_VAR_hold", "GAMEDAY_VAR_rto",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED",
}

// command makes a gameday that writes into files.
func command(ts *testscript.TestScript, out, err string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, v := range passedOn {
		if s := ts.Getenv(v); s != "" {
			cmd.Env = append(cmd.Env, v+"="+s)
		}
	}
	cmd.Stdout, cmd.Stderr = createFile(ts, out), createFile(ts, err)
	return cmd
}

func createFile(ts *testscript.TestScript, name string) *os.File {
	f, err := os.Create(ts.MkAbs(name))
	ts.Check(err)
	ts.Defer(func() { _ = f.Close() })
	return f
}

func gd(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd { return command(ts, "out", "err", filepath.Join(binaries, "gameday"), args[1:]...) })
}

// expect runs a command until it ends with a code. A run on a machine that is too busy for its prober is inconclusive,
// and rightly so; it is then done once more.
func expect(ts *testscript.TestScript, code string, command func() *exec.Cmd) {
	for try := 1; ; try++ {
		cmd := command()
		got := exitCode(ts, cmd, cmd.Run())
		if slices.Contains(strings.Split(code, ","), got) {
			return
		}
		out, _ := os.ReadFile(ts.MkAbs("out"))
		errOut, _ := os.ReadFile(ts.MkAbs("err"))
		ts.Logf("[out]\n%s[err]\n%s", out, errOut)
		if busy := matched("starved|only [0-9]+ samples were answered", string(out)); got != "3" || !busy || try == 5 {
			ts.Fatalf("gameday ended with %s, and %s was expected", got, code)
		}
	}
}

func exitCode(ts *testscript.TestScript, cmd *exec.Cmd, err error) string {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("running %v: %v", cmd.Args, err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return "killed"
	}
	return strconv.Itoa(cmd.ProcessState.ExitCode())
}

// started are the commands that run beside a script, by name. Scripts run in parallel, and each has its own names.
type startedCmd struct {
	cmd  *exec.Cmd
	done chan error
}

var started = map[*testscript.TestScript]map[string]*startedCmd{}
var startedLock = make(chan struct{}, 1)

func withStarted(f func()) {
	startedLock <- struct{}{}
	defer func() { <-startedLock }()
	f()
}

// answer and startanswer are gd and start with a file as standard input.
func answer(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd {
		cmd := command(ts, "out", "err", filepath.Join(binaries, "gameday"), args[2:]...)
		cmd.Stdin = strings.NewReader(ts.ReadFile(args[1]))
		return cmd
	})
}

func startanswer(ts *testscript.TestScript, _ bool, args []string) {
	launch(ts, ts.ReadFile(args[1]), args[0], args[2:])
}

func start(ts *testscript.TestScript, _ bool, args []string) { launch(ts, "", args[0], args[1:]) }

func launch(ts *testscript.TestScript, stdin, name string, args []string) {
	args = append([]string{name}, args...)
	cmd := command(ts, args[0]+".out", args[0]+".err", filepath.Join(binaries, "gameday"), args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	ts.Check(cmd.Start())
	s := &startedCmd{cmd: cmd, done: make(chan error, 1)}
	go func() { s.done <- cmd.Wait() }()
	withStarted(func() {
		if started[ts] == nil {
			started[ts] = map[string]*startedCmd{}
		}
		started[ts][args[0]] = s
	})
	ts.Defer(func() { _ = cmd.Process.Kill() })
}

func running(ts *testscript.TestScript, name string) (s *startedCmd) {
	withStarted(func() { s = started[ts][name] })
	if s == nil {
		ts.Fatalf("there is no command %q", name)
	}
	return s
}

func lab(ts *testscript.TestScript, _ bool, _ []string) {
	down := command(ts, "down.out", "down.err", filepath.Join(binaries, "gameday"), "lab", "down")
	ts.Defer(func() { _ = down.Run() }) // it may be down already
}

var signalNames = map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}

func sig(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(running(ts, args[0]).cmd.Process.Signal(signalNames[args[1]]))
}

func sigpid(ts *testscript.TestScript, _ bool, args []string) {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signalNames[args[1]]))
}

func end(ts *testscript.TestScript, _ bool, args []string) {
	s := running(ts, args[0])
	select {
	case err := <-s.done:
		if got := exitCode(ts, s.cmd, err); got != args[1] {
			ts.Logf("[out]\n%s[err]\n%s", ts.ReadFile(args[0]+".out"), ts.ReadFile(args[0]+".err"))
			ts.Fatalf("%s ended with %s, and %s was expected", args[0], got, args[1])
		}
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
}

// smalldisk and unprivileged start gameday through this binary, which takes something away from it first.
func smalldisk(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd {
		cmd := command(ts, "out", "err", "/proc/self/exe", append([]string{helperArg, "smalldisk", args[1], ts.MkAbs(args[2]), filepath.Join(binaries, "gameday")}, args[3:]...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		return cmd
	})
}

func unprivileged(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd {
		return command(ts, "out", "err", "/proc/self/exe", append([]string{helperArg, "unprivileged", filepath.Join(binaries, "gameday")}, args[1:]...)...)
	})
}

func condition(cond string) (bool, error) {
	if cond == "chromium" {
		return chromium()
	}
	if cond != "namespaces" {
		return false, fmt.Errorf("there is no condition %q", cond)
	}
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS}
	return cmd.Run() == nil, nil
}
