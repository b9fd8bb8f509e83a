package live

func viewersRole() bool { return false }
