// Package safehcl writes HCL out of texts that nobody can trust: whatever they hold, they are read back as texts.
package safehcl
