package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

// archiveEnv says where the archive is, whatever the project file says: a URL, a path, or "off".
const archiveEnv = "GAMEDAY_ARCHIVE"

// shared reads the project file of a directory, and shows its mistakes.
func (a *app) shared(dir string) (lang.Shared, error) {
	s, files, diags := lang.ReadShared(dir)
	err := a.refuse(&wiring.Mistakes{Diags: diags, Files: files})
	return s, err
}

// archiveOf is where the runs of a directory's project are kept; empty where they are not.
func (a *app) archiveOf(dir string) (string, error) {
	switch at := os.Getenv(archiveEnv); at {
	case "off":
		return "", nil
	case "":
	default:
		return at, nil
	}
	s, err := a.shared(dir)
	if err != nil || s.Archive != "" {
		return s.Archive, err
	}
	return archive.Place()
}

// archiveTime bounds what the end of a run waits for an archive that does not answer.
const archiveTime = 15 * time.Second

// keep puts a run that has ended, or that was put back, into the archive of its scenario's project. What was learned stands
// without it: a failure is a warning, which says how to make up for it.
func (a *app) keep(ctx context.Context, j *wiring.Judged, label string) {
	if j.Run.Plan == nil {
		return // a journal that ends before its plan says nothing about any scenario
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), archiveTime)
	defer cancel()
	at, err := a.archiveOf(j.Run.Plan.Dir)
	if err == nil && at != "" {
		err = a.archiveRun(ctx, at, j, label)
	}
	if err != nil {
		add := "gameday archive add " + shellWord(relative(j.Dir.Path))
		if remedy := archive.Remedy(err); remedy != "" {
			add = remedy + "; for this run: " + add
		}
		a.warn(fmt.Errorf("the run is not in the archive: %w", err), add)
	}
}

// warn says what is wrong without ending anything.
func (a *app) warn(err error, remedy string) {
	for _, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintf(a.err, "gameday: %s%s\n", a.paint(yellow, "warning: "), line)
	}
	if remedy != "" {
		fmt.Fprintf(a.err, "gameday: %s%s\n", a.paint(cyan, "hint: "), remedy)
	}
}

func (a *app) archiveRun(ctx context.Context, at string, j *wiring.Judged, label string) error {
	arch, err := archive.Open(ctx, at)
	if err != nil {
		return err
	}
	_, err = addRun(ctx, arch, j, label)
	if closed := arch.Close(); err == nil {
		err = closed
	}
	return err
}

// addRun puts a judged run into an open archive.
func addRun(ctx context.Context, arch *archive.Archive, j *wiring.Judged, label string) (archive.Run, error) {
	dir, err := filepath.Abs(j.Dir.Path)
	if err != nil {
		return archive.Run{}, err
	}
	rec := archive.Of(j.Run, j.Result, j.Findings, dir)
	rec.Label = label
	if j.Run.Plan != nil {
		rec.Commit = commitOf(ctx, j.Run.Plan.Dir)
	}
	_, err = arch.Add(ctx, rec, j.Run.Plan)
	return rec, err
}

// commitOf is the commit that a directory is checked out at; empty where that is unknown, and marked as dirty where files
// were changed since.
func commitOf(ctx context.Context, dir string) string {
	out, err := git(ctx, dir, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
	if err != nil {
		return ""
	}
	return out
}

const gitTime = 5 * time.Second

func git(ctx context.Context, dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking git: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// lookUp finds a run by its directory, which is put into the archive if it is not there, or by its ID.
func (a *app) lookUp(ctx context.Context, arch *archive.Archive, ref string) (*archive.Run, error) {
	if _, err := os.Stat(ref); err == nil {
		dir, err := journal.OpenRunDir(ref)
		if err != nil {
			return nil, err
		}
		j, err := a.judge(dir.Path)
		if err != nil {
			return nil, err
		}
		rec, err := addRun(ctx, arch, j, "")
		if err != nil {
			return nil, err
		}
		return arch.Run(ctx, rec.ID)
	}
	r, err := arch.Run(ctx, ref)
	var none *archive.NotFoundError
	if errors.As(err, &none) {
		err = hint(err, "see `gameday runs`; a run that is not there yet is named by its directory")
	}
	return r, err
}
