export const nothingElse = {
    frontends: new Map(),
    selections: new Map(),
    backends: new Map(),
    egressRules: new Map(),
    nonMasquerade: new Map(),
    masquerade: new Map(),
};
export const nothingElseChanged = {
    frontends: [],
    selections: [],
    backends: [],
    egressRules: [],
    nonMasquerade: [],
    masquerade: [],
};
//# sourceMappingURL=verdicts-alone.js.map