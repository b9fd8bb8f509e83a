// Package lang turns the HCL files of a scenario into a plan.Draft, with a source range for every mistake.
//
// It goes in two steps. Load reads every file, finds what is declared, checks every reference and evaluates the
// variables and the plugins' configurations. Draft evaluates the rest, once the plugins' outputs are known; without
// them (validate) it checks every type all the same. It knows no plugin and no kind of prober by name: a Catalog says
// what there is.
package lang
