"""Making the model file: the same data and tools give the same bytes.

The only package that imports scikit-learn, and only in the training environment: nothing of the server imports it.
Choices were made by cross-validation on the training splits; the test splits are seen by `evaluation` alone.
Entry point: `fit.train`; `python -m wattline.households.recognition.training FILE` tells how far it is in lines of JSON.
"""
