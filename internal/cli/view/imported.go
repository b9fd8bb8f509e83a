package view

import (
	"fmt"
	"io"

	"github.com/gameday-toolkit/gameday/internal/chaostoolkit"
)

// ImportedExperiment says what an import made of an experiment of the Chaos Toolkit.
func ImportedExperiment(w io.Writer, made *chaostoolkit.Made, paint Paint) {
	v := page{w, paint}
	fmt.Fprintf(w, "%s\n", paint(bold, clean(made.Title)))
	v.list("Warnings", red, made.Warnings)
	v.list("Assumed, since the original does not say it", "", made.Assumed)
	v.list("Left out", yellow, made.Unsupported)
	v.list("Left to do", yellow, made.Left)
}
