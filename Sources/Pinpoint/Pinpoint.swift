// Pinpoint
