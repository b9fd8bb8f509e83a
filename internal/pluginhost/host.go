package pluginhost

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Prefix begins the file name of every plugin: gameday-plugin-NAME.
const Prefix = "gameday-plugin-"

// Options say where plugins are and what to hold them to.
type Options struct {
	// Dirs are searched in this order; nil means DefaultDirs.
	Dirs []string
	// Checksums holds the SHA-256 that a plugin's file must have, in hex, by the plugin's name. A plugin that is not
	// in it is not checked.
	Checksums map[string]string
	// Stderr receives what plugins print, each line with the plugin's alias in front. Nil drops it; the last lines are
	// kept for error messages either way.
	Stderr io.Writer
	// StateDir holds one directory for each launched plugin, for Settings.StateDir. Empty for none.
	StateDir string
	// StartTimeout bounds a launch; zero means 10 seconds.
	StartTimeout time.Duration
}

// Host launches plugins and knows which of them run. Use New.
type Host struct {
	opts    Options
	sink    *sink
	sockets sockets

	mu      sync.Mutex
	running map[*Plugin]struct{}
}

// New returns a host. It touches nothing yet.
func New(opts Options) *Host {
	if opts.Dirs == nil {
		opts.Dirs = DefaultDirs()
	}
	if opts.StartTimeout == 0 {
		opts.StartTimeout = 10 * time.Second
	}
	return &Host{opts: opts, sink: &sink{to: opts.Stderr}, running: map[*Plugin]struct{}{}}
}

// DefaultDirs are the directories where plugins are looked for: beside this program, then GAMEDAY_PLUGIN_DIR, then
// gameday/plugins in the user's data directory.
func DefaultDirs() []string {
	var dirs []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dirs = append(dirs, filepath.Dir(exe))
	}
	dirs = append(dirs, filepath.SplitList(os.Getenv("GAMEDAY_PLUGIN_DIR"))...)
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return append(dirs, filepath.Join(data, "gameday", "plugins"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".local", "share", "gameday", "plugins"))
	}
	return dirs
}

// Stop stops every plugin that runs, at the same time.
func (h *Host) Stop(ctx context.Context) error {
	h.mu.Lock()
	var all []*Plugin
	for p := range h.running {
		all = append(all, p)
	}
	h.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { errs[i] = p.Stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (h *Host) add(p *Plugin) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running[p] = struct{}{}
}

func (h *Host) remove(p *Plugin) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.running, p)
}
