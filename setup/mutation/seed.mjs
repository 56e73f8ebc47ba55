import fc from 'fast-check'

// Properties that draw anew each time would kill a mutant in one run and spare it in the next. Nobody reads the
// smallest case that a mutant fails in: the first is enough.
fc.configureGlobal({ seed: 20, endOnFailure: true })

/** Code with all mutants in it is several times slower, whatever a test allows itself. Stryker ends what doesn't end. */
export const mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(0)
  },
}
