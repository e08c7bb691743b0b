"""The named data sets, one file each; see ``edgecnn.data.npz.NamedSet`` for what a file has."""
