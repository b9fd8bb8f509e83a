package awsfake

// routes are those of the services that name an operation by method and path.
func routes() map[string][]route {
	return map[string][]route{
		"arc-zonal-shift": shiftRoutes(), "route53": route53Routes(), "fis": fisRoutes(),
		"lambda": lambdaRoutes(),
	}
}
