package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/live"
)

// A note from another terminal is a file in the run's directory, which is its owner's alone. The run takes it into the
// journal and removes it: a file that is gone has been noted.

const (
	notesDir   = "notes"
	noteSuffix = ".note"
	notePoll   = 200 * time.Millisecond
	maxNote    = 16 << 10
)

type noteFlags struct{ by, run, runs string }

func (a *app) noteCmd() *cobra.Command {
	var o noteFlags
	cmd := &cobra.Command{
		Use:   "note [-by NAME] [-run RUN] TEXT...",
		Short: "Write a remark into the journal of a run that goes on",
		Long: `Note adds what somebody sees, decides or does to the run that goes on: with its time and its author it stands in the journal, on
the live page and in the report's chronology. Without -run it is the newest run that goes on.`,
		Example: "  gameday note the on-call was paged\n  gameday note -by ada -run gameday-runs/20261123-120000-000-0000 'the queue grows'",
		Args:    usage(1, -1, "the text of the note"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.note(cmd.Context(), strings.Join(args, " "), &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.by, "by", userName(), "whose remark it is, a `name`")
	f.StringVar(&o.run, "run", "", "the `directory` of the run")
	f.StringVar(&o.runs, "runs", "gameday-runs", "the `directory` with the runs, where -run is not given")
	return cmd
}

func (a *app) note(ctx context.Context, text string, o *noteFlags) error {
	by, text, err := live.Remark(o.by, text)
	if err != nil {
		return err
	}
	dir, err := o.where()
	if err != nil {
		return err
	}
	file, err := leaveNote(dir, journal.NoteBody{Author: by, Text: text})
	if err != nil {
		return fmt.Errorf("writing the note: %w", err)
	}
	if err := taken(ctx, dir, file); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	fmt.Fprintf(a.out, "Noted in %s\n", relative(dir.Path))
	return nil
}

// where finds the run that is meant.
func (o *noteFlags) where() (journal.RunDir, error) {
	if o.run != "" {
		dir, err := journal.OpenRunDir(o.run)
		if err != nil {
			return dir, hint(err, "name the directory of a run that goes on, or leave -run out")
		}
		return dir, goesOn(dir)
	}
	runs, err := journal.ListRuns(o.runs)
	if err != nil {
		return journal.RunDir{}, err
	}
	for _, dir := range slices.Backward(runs) {
		if goesOn(dir) == nil {
			return dir, nil
		}
	}
	return journal.RunDir{}, hint(fmt.Errorf("no run goes on in %s", o.runs), "name its directory with -run RUN")
}

func goesOn(dir journal.RunDir) error {
	writing, err := journal.Writing(dir.Journal())
	if err == nil && !writing {
		err = fmt.Errorf("the run %s does not go on any more", dir.ID())
	}
	return err
}

func leaveNote(dir journal.RunDir, n journal.NoteBody) (string, error) {
	spool := filepath.Join(dir.Path, notesDir)
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(spool, fmt.Sprintf("%d-*.part", time.Now().UnixNano()))
	if err != nil {
		return "", err
	}
	_, err = f.Write(journal.Encode(n))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	name := strings.TrimSuffix(f.Name(), ".part") + noteSuffix
	return name, os.Rename(f.Name(), name)
}

// taken waits until the run has taken the note.
func taken(ctx context.Context, dir journal.RunDir, file string) error {
	tick := time.NewTicker(notePoll / 4)
	defer tick.Stop()
	for deadline := time.Now().Add(noteTime); time.Now().Before(deadline); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !exists(file) {
			return nil
		}
		if err := goesOn(dir); err != nil {
			return err
		}
	}
	return errors.New("the run did not take the note in time")
}

// watchNotes takes notes that people leave in the run's directory, until end is called.
func (r *runner) watchNotes(ctx context.Context, notes chan<- journal.NoteBody) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(notePoll)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if !takeNotes(ctx, filepath.Join(r.dir.Path, notesDir), notes) {
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// takeNotes hands on what lies in a folder, the oldest first. It says false where it must not go on: a note that cannot be
// removed would be taken again and again.
func takeNotes(ctx context.Context, spool string, notes chan<- journal.NoteBody) bool {
	found, err := filepath.Glob(filepath.Join(spool, "*"+noteSuffix))
	if err != nil {
		return false
	}
	slices.Sort(found) // by their time
	for _, file := range found {
		if n, ok := readNote(file); ok {
			select {
			case notes <- n:
			case <-ctx.Done():
				return false
			}
		}
		if os.Remove(file) != nil {
			return false
		}
	}
	return true
}

// readNote leaves out what is none.
func readNote(file string) (n journal.NoteBody, ok bool) {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxNote {
		return n, false
	}
	b, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(b, &n) != nil {
		return n, false
	}
	n.Author, n.Text, err = live.Remark(n.Author, n.Text)
	return n, err == nil
}
