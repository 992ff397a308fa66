"""What the losses are called in figures and tables, in their order."""

LOSSES = {
    "fit": "fit loss (vol²)",
    "calendar": "calendar penalty (1/year²)",
    "butterfly": "butterfly penalty",
}
OBJECTIVE = {"objective": "objective"}  # their weighted sum
SHORT = {"fit": "fit", "calendar": "calendar", "butterfly": "butterfly", "objective": "objective"}
SYMBOLS = {
    "fit": r"$L_\mathrm{fit}$ (vol$^2$)",
    "calendar": r"$L_\mathrm{cal}$ (year$^{-2}$)",
    "butterfly": r"$L_\mathrm{but}$",
    "objective": r"$\sum_i \lambda_i L_i$",
}
PHASES = {"pretrain": "pre-training", "finetune": "fine-tuning"}
STATES = {"initial": "at initialisation", "pretrain": "after pre-training", "finetune": "after fine-tuning"}
