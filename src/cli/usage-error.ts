/** A mistake in what the user typed or in a file that was named; nothing was sent. */
export class UsageError extends Error {}
