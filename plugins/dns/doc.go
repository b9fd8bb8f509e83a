// Package dns is the plugin for failures of name resolution.
package dns
