export const verifyPeriodMs = 5000
/** By then all that somebody else changed is repaired, whatever failed meanwhile: two comparisons and the longest pause. */
export const repairedMs = 2 * verifyPeriodMs + 35_000
/** By then an agent that nothing fails for has started, taken what it was told, and compared the maps once. */
export const settledMs = verifyPeriodMs + 3000
/** By then files that changed in silence are read, too. */
export const rereadMs = 25_000
/** An agent that is told to stop has stopped by then. */
export const stoppedMs = 60_000
/** What is put off is done by then, unless it fails. */
export const quietMs = 50
