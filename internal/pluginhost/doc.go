// Package pluginhost finds, checks, launches and stops plugin processes.
package pluginhost
