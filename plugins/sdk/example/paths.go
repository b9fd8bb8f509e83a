package example

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// paths finds files by their path.
type paths struct{}

func (paths) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Files by their path.",
		Attributes: []sdk.Attribute{
			{Name: "paths", Type: sdk.StringList, Required: true, Doc: "Absolute paths of regular files."},
		},
	}
}

func (paths) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var cfg struct {
		Paths []string `json:"paths"`
	}
	if err := req.Decode(&cfg); err != nil {
		return sdk.Selection{}, nil, err
	}
	var found sdk.Selection
	var problems []sdk.Problem
	for i, path := range cfg.Paths {
		found.Population++
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			problems = append(problems, sdk.Problem{
				Severity: sdk.Error, Path: []string{"paths", strconv.Itoa(i)},
				Summary: fmt.Sprintf("There is no regular file %s", path), Detail: "Name a file that exists.",
			})
			continue
		}
		found.Targets = append(found.Targets, sdk.Target{Type: "file_path", ID: path, Name: path})
	}
	return found, problems, nil
}
