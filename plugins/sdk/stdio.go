package sdk

import (
	"os"
	"sync"
	"syscall"
)

// output is the process's own standard error, for all that the plugin's code prints. It never makes the code wait: a
// host that is dead, stopped or slow must not keep a Revert from running because it logs a line. What does not fit in
// the pipe is lost. go-plugin's own redirection of standard output would block once its pipe is full.
type output struct {
	stderr *os.File
	once   sync.Once
}

// newOutput makes standard error lose output instead of waiting. os.Stderr was opened as a blocking file, so that the
// runtime does not wait for a full pipe to drain: it returns the EAGAIN to the writer.
func newOutput() *output {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		// Without it, the worst case is a host that is stopped and a plugin that prints 64 KiB.
		_ = syscall.SetNonblock(syscall.Stderr, true)
	}
	return &output{stderr: os.Stderr}
}

// restore undoes go-plugin's redirection, which it sets just before it begins to serve; so the host's first call is
// the earliest moment. Standard output goes to standard error too: the protocol is done with it.
func (o *output) restore() {
	o.once.Do(func() { os.Stdout, os.Stderr = o.stderr, o.stderr })
}
