export const noServices = { frontends: new Map(), selections: new Map(), backends: new Map() };
export const unchangedServices = { frontends: [], selections: [], backends: [] };
export const emptyTables = {
    addresses: new Map(),
    prefixes: new Map(),
    endpoints: new Map(),
    cells: new Map(),
    rows: new Map(),
    ...noServices,
};
//# sourceMappingURL=empty-tables.js.map