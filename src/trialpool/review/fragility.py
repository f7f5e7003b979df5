def fragility(studies, measure, model):
    return None
