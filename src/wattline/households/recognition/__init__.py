"""Which appliances a peak may come from, with calibrated confidence and the honest answer "unknown".

Inference is NumPy alone, on a model file that is package data; only `training` needs scikit-learn, in its own environment.
Confidences of all classes sum to 1; what looks like nothing that was learned, or is physically impossible, is "unknown".
Entry points: `model.Recogniser.classify` (a peak in watts), `model.Recogniser.classify_trace` (a series of a public data set),
`training.fit.train`, `evaluation.evaluate`.
"""
