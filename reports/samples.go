package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// samplesFiles are what WriteSamples writes.
var samplesFiles = [...]string{"samples.csv", "records.csv"}

// WriteSamples writes every sample of every probe, and every record of every ledger, as tables for people's own notebooks.
// They are streamed: a run of ten million samples makes 700 MB, and none of it is held in memory.
func WriteSamples(dir string, run *history.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the samples: %w", err)
	}
	var errs []error
	for i, write := range []func(io.Writer, *history.Run) error{Samples, Records} {
		if err := streamTo(filepath.Join(dir, samplesFiles[i]), func(w io.Writer) error { return write(w, run) }); err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", samplesFiles[i], err))
		}
	}
	return errors.Join(errs...)
}

// Samples writes a row for each sample, in the order of the probes and of their schedules. Times are nanoseconds on the
// run's clock; latency counts from the moment at which the request was due.
func Samples(w io.Writer, run *history.Run) error {
	b := bufio.NewWriterSize(w, 1<<16)
	_, _ = b.WriteString("probe,seq,intended_ns,ended_ns,latency_ns,outcome,class\n")
	var row []byte
	for _, p := range run.Probes {
		for k := range p.Series.Len() {
			x := p.Series.At(k)
			if x.Outcome == sample.Missing {
				continue
			}
			row = appendCell(row[:0], p.Addr)
			row = appendNumbers(row, k, int64(x.Intended), int64(x.Ended), int64(x.Latency()))
			row = append(append(row, ','), x.Outcome.String()...)
			row = append(row, ',')
			if x.Outcome != sample.Good {
				row = append(row, x.Class.String()...)
			}
			_, _ = b.Write(append(row, '\n'))
		}
	}
	return b.Flush()
}

// Records writes a row for each attempt to write a record; which of them were read back is in report.json.
func Records(w io.Writer, run *history.Run) error {
	b := bufio.NewWriterSize(w, 1<<16)
	_, _ = b.WriteString("ledger,seq,attempt_ns,acked_ns,outcome\n")
	var row []byte
	for _, l := range run.Ledgers {
		for _, r := range l.Records {
			row = appendNumbers(appendCell(row[:0], l.Addr), r.Seq, int64(r.Attempt), int64(r.Acked))
			row = append(append(row, ','), r.Outcome.String()...)
			_, _ = b.Write(append(row, '\n'))
		}
	}
	return b.Flush()
}

// appendCell quotes an address: the key of a for_each may hold what it likes.
func appendCell(row []byte, cell string) []byte {
	row = append(row, '"')
	for _, c := range []byte(harmless(clean(cell))) {
		if c == '"' {
			row = append(row, '"')
		}
		row = append(row, c)
	}
	return append(row, '"')
}

func appendNumbers(row []byte, seq uint64, numbers ...int64) []byte {
	row = strconv.AppendUint(append(row, ','), seq, 10)
	for _, n := range numbers {
		row = strconv.AppendInt(append(row, ','), n, 10)
	}
	return row
}
