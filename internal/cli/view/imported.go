package view

import (
	"fmt"
	"io"
)

// Experiment is what an import of an experiment has to say.
type Experiment struct {
	Title string
	// Warnings are about the original; Assumed is what it does not say; LeftOut changes nothing about what is done; ToDo is
	// what somebody has to decide; Needed are the variables without a value.
	Warnings, Assumed, LeftOut, ToDo, Needed []string
}

// Print says it.
func (m Experiment) Print(w io.Writer, paint Paint) {
	v := page{w, paint}
	fmt.Fprintf(w, "%s\n", paint(bold, clean(m.Title)))
	v.list("Warnings", red, m.Warnings)
	v.list("Assumed, since the original does not say it", "", m.Assumed)
	v.list("Left out", yellow, m.LeftOut)
	v.list("Left to do", yellow, m.ToDo)
	v.list("To be given with every command", yellow, m.Needed)
}
