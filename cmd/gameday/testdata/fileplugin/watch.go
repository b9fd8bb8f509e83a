package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// records is a ledger: one line of a file for each record. It refuses while the service is down, and while there is a file
// called "forget" it acknowledges what it does not keep.
type records struct{ *provider }

// pageSize is small, so that a script sees several pages.
const pageSize = 20

func (records) Schema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{{Name: "file", Type: sdk.String, Required: true, Doc: "Where the records are."}}}
}

func (r records) path(req sdk.Request) (string, error) {
	var c struct {
		File string `json:"file"`
	}
	return c.File, req.Decode(&c)
}

func (r records) Write(_ context.Context, req sdk.Request, e sdk.LedgerEntry) (sdk.LedgerAnswer, error) {
	r.at("record")
	path, err := r.path(req)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	if _, err := os.Stat(filepath.Join(r.dir, "up")); err != nil {
		return sdk.LedgerAnswer{Outcome: sdk.LedgerFail, Detail: "it is not up"}, nil
	}
	ok := sdk.LedgerAnswer{Outcome: sdk.LedgerOK, Promise: "in a file, without a sync"}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "forget")); err == nil {
		return ok, nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	b, err := json.Marshal(e)
	if err == nil {
		_, err = f.Write(append(b, '\n'))
	}
	return ok, errors.Join(err, f.Close())
}

// Read counts lines: the cursor is how many were read.
func (r records) Read(_ context.Context, req sdk.Request, cursor string) (page sdk.LedgerPage, err error) {
	r.at("readback")
	path, err := r.path(req)
	if err != nil {
		return page, err
	}
	from, _ := strconv.Atoi(cursor)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return page, nil
	}
	if err != nil {
		return page, sdk.Final(err)
	}
	defer f.Close()
	line := 0
	for s := bufio.NewScanner(f); s.Scan() && line < from+pageSize; line++ {
		var e sdk.LedgerEntry
		switch err := json.Unmarshal(s.Bytes(), &e); {
		case line < from:
		case err != nil:
			page.Strange = append(page.Strange, s.Text())
		case e.Run == req.Run:
			page.Entries = append(page.Entries, e)
		}
	}
	if line == from+pageSize {
		page.Next = strconv.Itoa(line)
	}
	return page, nil
}

// alarm is an alert: it fires while a file is not there.
type alarm struct{ *provider }

func (alarm) Schema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{{Name: "name", Type: sdk.String, Required: true, Doc: "The file."}}}
}

func (a alarm) Poll(_ context.Context, req sdk.Request) (sdk.AlertState, error) {
	a.at("poll")
	var c struct {
		Name string `json:"name"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.AlertState{}, err
	}
	if _, err := os.Stat(filepath.Join(a.dir, c.Name)); err != nil {
		return sdk.AlertState{Firing: true, Summary: c.Name + " is not there"}, nil
	}
	return sdk.AlertState{}, nil
}

// rights is a document: who may touch which files.
func rights(_ context.Context, req sdk.DocumentRequest) (string, error) {
	if req.Scenario == "" {
		return "everything: rename any file", nil
	}
	var out strings.Builder
	for _, p := range req.Plugins {
		var c config
		if err := p.Decode(&c); err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "in %s, with the token %q:\n", c.Dir, c.Token)
	}
	for _, b := range req.Blocks {
		fmt.Fprintf(&out, "- %s %s %s %s\n", b.ID, b.Type, b.Config, strings.Join(b.Targets, " "))
	}
	return out.String(), nil
}
