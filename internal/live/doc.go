// Package live serves the live page of a run: what its journal says, while it is written.
package live
