package marks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A stopped process, a lowered limit and a dead process carry no name of the one who did it. So the handle is put into a
// file before the fault is made and taken away after it is undone: sweep finds the fault without a journal, and a second
// run sees that the target is taken. Undoing needs the file for nothing. The folder is in memory where there is such a
// place, because after a reboot none of these faults stands any more.

// Store is the folder of marks.
type Store struct{ dir string }

// Default is the folder that everybody who may use this machine's faults agrees on.
func Default() string {
	if os.Geteuid() == 0 {
		return "/run/gameday/host"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gameday", "host")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("gameday-%d", os.Geteuid()), "host")
}

// Open names the folder. It is made when the first mark is.
func Open(dir string) Store { return Store{dir} }

// Path is where the mark of a handle is.
func (s Store) Path(id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:8])+".json")
}

// Put marks the fault: the file is whole and on disk, or not there.
func (s Store) Put(h sdk.Handle) error {
	if err := s.prepare(); err != nil {
		return err
	}
	b, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("marking %s: %w", h.ID, err)
	}
	f, err := os.OpenFile(s.Path(h.ID)+unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("marking %s: %w", h.ID, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.Path(h.ID))
	}
	if err != nil {
		return fmt.Errorf("marking %s: %w", h.ID, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// prepare makes the folder, and refuses one that another user could write to: Sweep believes what is in it.
func (s Store) prepare() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of marks: %w", err)
	}
	return s.trust()
}

// Dir is the folder.
func (s Store) Dir() string { return s.dir }

// Writable says why a mark could not be made, and changes nothing to find out.
func (s Store) Writable() error {
	dir := s.dir
	_, err := os.Lstat(dir)
	if err == nil {
		err = s.trust()
	}
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) { // it will be made below the first folder that is there
		dir = filepath.Dir(dir)
		_, err = os.Stat(dir)
	}
	if err != nil {
		return err
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("nothing can be written in %s: %w", dir, err)
	}
	return nil
}

func (s Store) trust() error {
	info, err := os.Lstat(s.dir)
	if err != nil {
		return fmt.Errorf("reading the folder of marks: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("the folder of marks %s belongs to somebody else, or others may write to it", s.dir)
	}
	return nil
}

// unfinished is the end of the name of a mark that is being written. One of a plugin that was killed meanwhile is taken
// away with the mark.
const unfinished = ".new"

// Drop takes the mark away. One that is not there is no error.
func (s Store) Drop(id string) error {
	for _, path := range []string{s.Path(id) + unfinished, s.Path(id)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("taking the mark of %s away: %w", id, err)
		}
	}
	return nil
}

// Has says whether the fault is marked.
func (s Store) Has(id string) (bool, error) {
	_, err := os.Lstat(s.Path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// All returns every handle that is marked, in a stable order. A mark that cannot be read is an error beside the others.
func (s Store) All() ([]sdk.Handle, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = s.trust()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the marks: %w", err)
	}
	var out []sdk.Handle
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		h, err := read(filepath.Join(s.dir, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // taken away meanwhile
		case err != nil:
			errs = append(errs, err)
		default:
			out = append(out, h)
		}
	}
	return out, errors.Join(errs...)
}

func read(path string) (sdk.Handle, error) {
	var h sdk.Handle
	b, err := os.ReadFile(path)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return h, fmt.Errorf("reading the mark %s: %w", path, err)
	}
	return h, nil
}
