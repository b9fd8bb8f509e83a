// Package worker is the process that puts the host under pressure and ends with the plugin that started it.
package worker
