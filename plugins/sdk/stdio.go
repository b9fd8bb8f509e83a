package sdk

import (
	"fmt"
	"log"
	"os"
	"sync"
	"time"
)

// outputBacklog is how many chunks of output wait for a host that does not read, before output is lost.
const outputBacklog = 256

// output carries what the plugin's code prints to the host, and never makes the code wait for it. A host that is
// dead, stopped or slow must not keep a Revert from running because it logs a line: whatever cannot be passed on is
// counted and dropped. go-plugin's own redirection of standard output blocks once its pipe is full.
type output struct {
	real  *os.File
	write *os.File
	once  sync.Once
	done  chan struct{}
}

// newOutput begins to carry output to real, the process's own standard error.
func newOutput(real *os.File) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for the plugin's output: %w", err)
	}
	o := &output{real: real, write: w, done: make(chan struct{})}
	chunks := make(chan []byte, outputBacklog)
	go o.read(r, chunks)
	go o.pass(chunks)
	return o, nil
}

// redirect points the process's standard output, standard error and logger here. It is called by the first call of
// the host, because go-plugin sets its own redirection just before it begins to serve.
func (o *output) redirect() {
	o.once.Do(func() {
		os.Stdout, os.Stderr = o.write, o.write
		log.SetOutput(o.write)
	})
}

func (o *output) read(r *os.File, chunks chan<- []byte) {
	defer close(chunks)
	defer r.Close()
	lost := 0
	for {
		buf := make([]byte, 4096)
		n, err := r.Read(buf)
		if n > 0 {
			if lost > 0 && len(chunks) < cap(chunks)-1 {
				chunks <- fmt.Appendf(nil, "[%d bytes of output lost]\n", lost)
				lost = 0
			}
			select {
			case chunks <- buf[:n]:
			default:
				lost += n
			}
		}
		if err != nil {
			return
		}
	}
}

func (o *output) pass(chunks <-chan []byte) {
	defer close(o.done)
	for chunk := range chunks {
		// A broken pipe means that the host is dead. Then there is nobody to tell.
		_, _ = o.real.Write(chunk)
	}
}

// close passes on what is left, within a moment.
func (o *output) close() {
	_ = o.write.Close()
	select {
	case <-o.done:
	case <-time.After(500 * time.Millisecond):
	}
}
