package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type execConfig struct {
	Command []string          `json:"command"`
	Env     map[string]string `json:"env"`
	Dir     string            `json:"dir"`
}

func execSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Runs a command. It has succeeded when its exit status is 0; a command that outlives its timeout is ended with all its children.",
		Attributes: []sdk.Attribute{
			{Name: "command", Type: sdk.StringList, Required: true, Doc: "The program and its arguments; no shell is involved"},
			{Name: "env", Type: sdk.StringMap, Doc: "Variables added to gameday's own environment"},
			{Name: "dir", Type: sdk.String, Doc: "Working directory, relative to the scenario's, which is the default"},
		},
	}
}

func runExec(ctx context.Context, env Env, config json.RawMessage) (Said, error) {
	var c execConfig
	if err := decode(config, &c); err != nil {
		return Said{}, err
	}
	if len(c.Command) == 0 || c.Command[0] == "" {
		return Said{}, errors.New("command is empty")
	}
	cmd := exec.CommandContext(ctx, c.Command[0], c.Command[1:]...)
	cmd.Dir = dir(env.Dir, c.Dir)
	cmd.Env = append(os.Environ(), "GAMEDAY_RUN="+env.Run)
	for k, v := range c.Env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out head
	cmd.Stdout, cmd.Stderr = &out, &out
	// A group of its own: a Ctrl-C on the terminal is for gameday, and the end of the timeout is for all children.
	// The command dies with gameday: nobody would know any more what it does. The kernel takes the thread that started it for
	// its parent, which therefore has to live as long.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	said := strings.TrimSpace(out.String())
	switch {
	case ctx.Err() != nil:
		return Said{What: said}, fmt.Errorf("running %s: %w", c.Command[0], context.Cause(ctx))
	case err != nil:
		return Said{What: said}, fmt.Errorf("running %s: %w: %s", c.Command[0], err, said)
	}
	return Said{What: said}, nil
}

func dir(base, d string) string {
	if filepath.IsAbs(d) {
		return d
	}
	return filepath.Join(base, d)
}
