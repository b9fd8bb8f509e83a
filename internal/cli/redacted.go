package cli

import (
	"fmt"
	"os"
	"sync"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// redacted is the file for what plugins print: without sensitive values, and bounded, because a plugin that prints in a
// circle must not fill the disk that the journal is on.
type redacted struct {
	secrets map[string]string

	mu   sync.Mutex
	f    *os.File
	left int
}

const maxPluginLog = 16 << 20

func newRedacted(path string, secrets map[string]string) (*redacted, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of the plugins: %w", err)
	}
	return &redacted{secrets: secrets, f: f, left: maxPluginLog}, nil
}

// Write takes whole lines, and never fails: the run does not depend on what plugins print.
func (r *redacted) Write(b []byte) (int, error) {
	line := plan.Redact(string(b), r.secrets)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(line) <= r.left {
		r.left -= len(line)
		_, _ = r.f.WriteString(line)
	}
	return len(b), nil
}

// Close closes the file.
func (r *redacted) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f.Close()
}
