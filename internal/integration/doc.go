// Package integration runs the scenarios against software that people use, and holds the report against a truth that is taken
// elsewhere. It has only tests; `make integration` runs them, and they need root and the packages of `make integration-deps`.
package integration
