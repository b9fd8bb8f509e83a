package cli

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/gameday-toolkit/gameday/internal/archive"
)

// withArchive opens the archive of the working directory's project, which is made if it is not there, does something with
// it and closes it.
func (a *app) withArchive(ctx context.Context, do func(*archive.Archive) error) error {
	return a.useArchive(ctx, archive.Open, do)
}

// readArchive is withArchive for those who only look: they make none. One that was named has to be there, since a typing
// error would look like an empty history; the usual place is empty until the first run has ended.
func (a *app) readArchive(ctx context.Context, do func(*archive.Archive) error) error {
	return a.useArchive(ctx, openThere, do)
}

func openThere(ctx context.Context, at string) (*archive.Archive, error) {
	if !archive.Missing(at) {
		return archive.Open(ctx, at)
	}
	if usual, err := archive.Place(); err == nil && at == usual {
		return archive.Empty(ctx, at)
	}
	by := "the project file"
	if os.Getenv(archiveEnv) != "" {
		by = archiveEnv
	}
	return nil, hint(fmt.Errorf("there is no archive at %s, which %s names", at, by),
		"correct the path; or, if it is right, the first run to end there makes the archive, and so does `gameday archive add RUN`")
}

// lookArchive is for those who look at runs that are named: one by its directory is put into the archive.
func (a *app) lookArchive(ctx context.Context, refs []string, do func(*archive.Archive) error) error {
	if slices.ContainsFunc(refs, exists) {
		return a.withArchive(ctx, do)
	}
	return a.readArchive(ctx, do)
}

type openArchive func(ctx context.Context, at string) (*archive.Archive, error)

func (a *app) useArchive(ctx context.Context, open openArchive, do func(*archive.Archive) error) (err error) {
	at, err := a.archiveOf(".")
	if err != nil {
		return err
	}
	if at == "" {
		return hint(fmt.Errorf("there is no archive: %s is off", archiveEnv), "unset it, or set it to a file or a postgres:// URL")
	}
	arch, err := open(ctx, at)
	if err != nil {
		return remedied(err)
	}
	defer func() {
		if closed := arch.Close(); err == nil {
			err = closed
		}
	}()
	return remedied(do(arch))
}

// remedied adds what helps, where the archive knows it.
func remedied(err error) error {
	if remedy := archive.Remedy(err); remedy != "" {
		return hint(err, remedy)
	}
	return err
}
