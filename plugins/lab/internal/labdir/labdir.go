package labdir

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
)

// Dir is a state directory. It need not exist.
type Dir string

// Lab is what `up` decided; every process of the lab reads it.
type Lab struct {
	// ID is another for every `up`.
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Version string    `json:"version"`
	layout.Plan
	Settings Settings `json:"settings"`
}

// Settings are what a person may choose for a lab.
type Settings struct {
	// LinkDelay is the one-way delay between the regions.
	LinkDelay time.Duration `json:"link_delay"`
	// Capacity is how many orders a second one instance of the shop accepts.
	Capacity float64 `json:"capacity"`
	// Quota is how many instances a region may have.
	Quota int `json:"quota"`
	// FaultTTL is how long the supervisor keeps a fault that nobody reverts.
	FaultTTL time.Duration `json:"fault_ttl"`
	// ClientPing is how often the shop checks its connection to the store.
	ClientPing time.Duration `json:"client_ping"`
}

// DefaultSettings are those that the README documents.
func DefaultSettings() Settings {
	return Settings{
		LinkDelay: 40 * time.Millisecond, Capacity: 20, Quota: 4,
		FaultTTL: time.Hour, ClientPing: 500 * time.Millisecond,
	}
}

// ErrNoLab means that the directory holds no lab.
var ErrNoLab = errors.New("no lab is running")

// Default finds the state directory: GAMEDAY_LAB_DIR, or gameday/lab in the user's state directory.
func Default() (Dir, error) {
	if d := os.Getenv("GAMEDAY_LAB_DIR"); d != "" {
		return Dir(d), nil
	}
	if d := os.Getenv("XDG_STATE_HOME"); d != "" {
		return Dir(filepath.Join(d, "gameday", "lab")), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the lab's state directory: %w", err)
	}
	return Dir(filepath.Join(home, ".local", "state", "gameday", "lab")), nil
}

// Path joins a name to the directory.
func (d Dir) Path(name string) string { return filepath.Join(string(d), name) }

// The files of the directory.
const (
	labFile   = "lab.json"
	tokenFile = "token"
	procsFile = "processes.json"
	faultFile = "faults.json"
	eventFile = "events.jsonl"
	lockFile  = "lock"
)

// EventFile is where the lab appends what it notices, one JSON object a line.
func (d Dir) EventFile() string { return d.Path(eventFile) }

// Lock makes sure that one `up` or `down` works on the directory at a time. It makes the directory.
func (d Dir) Lock() (unlock func(), err error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, fmt.Errorf("making the lab's state directory: %w", err)
	}
	f, err := os.OpenFile(d.Path(lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the lab's state directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the lab's state directory: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// Foreign names a file that no lab made. A directory with such a file is not the lab's to use, nor to remove.
func (d Dir) Foreign() (string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the lab's state directory: %w", err)
	}
	for _, e := range entries {
		if !ours(e.Name()) {
			return e.Name(), nil
		}
	}
	return "", nil
}

func ours(name string) bool {
	switch strings.TrimSuffix(name, ".tmp") {
	case labFile, tokenFile, procsFile, faultFile, eventFile, lockFile, "logs", "data":
		return true
	}
	return false
}

// Absolute returns the directory of a path that a person gave.
func Absolute(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding the lab's state directory: %w", err)
	}
	return Dir(abs), nil
}

// Empty deletes what the lab made, but for the lock.
func (d Dir) Empty() error {
	return d.remove(func(name string) bool { return ours(name) && name != lockFile })
}

// Remove deletes what the lab made, and the directory when it is then empty.
func (d Dir) Remove() error {
	if err := d.remove(ours); err != nil {
		return err
	}
	err := os.Remove(string(d))
	if name, foreign := d.Foreign(); foreign == nil && name != "" || errors.Is(err, os.ErrNotExist) {
		return nil // what is left is not ours
	}
	return err
}

func (d Dir) remove(which func(name string) bool) error {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing the lab's state: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if which(e.Name()) {
			errs = append(errs, os.RemoveAll(d.Path(e.Name())))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing the lab's state: %w", err)
	}
	return nil
}

// Create writes a new lab with a new token.
func (d Dir) Create(lab Lab) error {
	for _, sub := range []string{"logs", "data"} {
		if err := os.MkdirAll(d.Path(sub), 0o700); err != nil {
			return fmt.Errorf("making the lab's state directory: %w", err)
		}
	}
	if err := d.write(tokenFile, []byte(RandomID(16))); err != nil {
		return err
	}
	return d.writeJSON(labFile, lab)
}

// Load reads the lab, or says ErrNoLab.
func (d Dir) Load() (Lab, error) {
	var lab Lab
	err := d.readJSON(labFile, &lab)
	if errors.Is(err, os.ErrNotExist) {
		return lab, ErrNoLab
	}
	return lab, err
}

// Token reads the secret that changes to the lab must carry.
func (d Dir) Token() (string, error) {
	raw, err := os.ReadFile(d.Path(tokenFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", ErrNoLab
	}
	if err != nil {
		return "", fmt.Errorf("reading the lab's token: %w", err)
	}
	return string(raw), nil
}

// Processes are all that the lab has started.
type Processes struct {
	Supervisor proc.ID            `json:"supervisor"`
	Children   map[string]proc.ID `json:"children"`
}

// SaveProcesses replaces the list of processes.
func (d Dir) SaveProcesses(p Processes) error { return d.writeJSON(procsFile, p) }

// LoadProcesses reads the list of processes; none at all is no error.
func (d Dir) LoadProcesses() (Processes, error) {
	var p Processes
	err := d.readJSON(procsFile, &p)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return p, err
}

// SaveFaults replaces the list of faults.
func (d Dir) SaveFaults(faults any) error { return d.writeJSON(faultFile, faults) }

// LoadFaults reads the list of faults into out; none at all is no error.
func (d Dir) LoadFaults(out any) error {
	err := d.readJSON(faultFile, out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (d Dir) readJSON(name string, out any) error {
	raw, err := os.ReadFile(d.Path(name))
	if err != nil {
		return fmt.Errorf("reading the lab's state: %w", err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("reading the lab's state %s: %w", name, err)
	}
	return nil
}

func (d Dir) writeJSON(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the lab's state %s: %w", name, err)
	}
	return d.write(name, append(raw, '\n'))
}

// write replaces a file as a whole: a reader sees the old one or the new one.
func (d Dir) write(name string, raw []byte) error {
	tmp := d.Path(name + ".tmp")
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("writing the lab's state: %w", err)
	}
	if err := os.Rename(tmp, d.Path(name)); err != nil {
		return fmt.Errorf("writing the lab's state: %w", err)
	}
	return nil
}

// RandomID returns n random bytes in hexadecimal.
func RandomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}
