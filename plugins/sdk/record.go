package sdk

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"time"
)

// Record is one line of StateDir/lease-NAME.jsonl: what the plugin did by itself when nobody renewed its lease.
type Record struct {
	At     time.Time `json:"at"`
	Handle string    `json:"handle,omitempty"`
	What   string    `json:"what"`
	Error  string    `json:"error,omitempty"`
}

// record writes those lines. It never fails the revert: without a file there is still the log.
type record struct {
	file *os.File
	log  *log.Logger
}

// RecordPath is where a plugin keeps its record.
func RecordPath(stateDir, plugin string) string {
	return filepath.Join(stateDir, "lease-"+plugin+".jsonl")
}

func (s *Session) newRecord() *record {
	r := &record{log: s.log}
	s.mu.Lock()
	dir := s.settings.StateDir
	s.mu.Unlock()
	if dir == "" {
		return r
	}
	f, err := os.OpenFile(RecordPath(dir, s.plugin.Name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.log.Printf("opening the lease record: %v", err)
		return r
	}
	r.file = f
	return r
}

func (r *record) add(handle, what string, err error) {
	line := Record{At: time.Now().UTC(), Handle: handle, What: what}
	if err != nil {
		line.Error = err.Error()
	}
	r.log.Printf("lease: %s %s %s", line.Handle, line.What, line.Error)
	if r.file == nil {
		return
	}
	b, err := json.Marshal(line)
	if err == nil {
		_, err = r.file.Write(append(b, '\n'))
	}
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		r.log.Printf("writing the lease record: %v", err)
	}
}

func (r *record) close() {
	if r.file == nil {
		return
	}
	if err := r.file.Close(); err != nil {
		r.log.Printf("closing the lease record: %v", err)
	}
}
