const shownMax = 63

/** A name that was read from a server may hold anything: as it can be shown. */
export const plainName = (name: string): string => name.replaceAll(/[^\x20-\x7e\xa0-\uffff]/g, '?').slice(0, shownMax)
